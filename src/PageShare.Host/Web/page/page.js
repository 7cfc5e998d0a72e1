"use strict";
// Draws what /status says, once a second. Names of guests come from others: they are set as text, never as markup.
const PAGE = 4096, STEP = 1000, WINDOW = 300000, SHORTEST = 20000, MOST_PLOTS = 24;
const KINDS = [["private", "Private"], ["shared", "Shared"], ["zero", "Zero, no memory"]];
const SVG = "http://www.w3.org/2000/svg";
const samples = []; // { at, guests: Map(name, {private, shared, zero}), breaks, scan }
const byId = id => document.getElementById(id);
let latest = null, failedSince = null;

function make(tag, attributes, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const SVG_TAGS = new Set(["svg", "path", "line", "text", "g", "rect"]);

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = Math.abs(value), unit = 0;
  while (size >= 1024 && unit < 4) { size /= 1024; unit++; }
  const figure = size >= 100 || unit === 0 ? Math.round(size) : size.toFixed(1);
  return `${value < 0 ? "−" : ""}${figure} ${units[unit]}`;
}
function count(value) {
  if (value >= 1e6) return (value / 1e6).toFixed(1) + " M";
  if (value >= 1e4) return Math.round(value / 1e3) + " k";
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}
// The next round number: of bytes a power of two or one and a half of it, else 1, 2 or 5 times a power of ten.
function roundUp(value, binary) {
  if (value <= 0) return binary ? 1048576 : 1;
  const power = binary ? 2 ** Math.floor(Math.log2(value)) : 10 ** Math.floor(Math.log10(value));
  return power * (binary ? [1, 1.5, 2] : [1, 2, 5, 10]).find(factor => factor * power >= value * 0.9999);
}
function partsOf(c) {
  const shared = (c.pagesShared + c.pagesSharing) * PAGE, zero = c.zeroPages * PAGE;
  return { private: Math.max(0, c.mappedBytes - shared - zero), shared, zero };
}
const sumOf = p => p ? p.private + p.shared + p.zero : 0;

function record(status) {
  const guests = new Map(status.engine.guests.map(g => [g.name, partsOf(g.counters)]));
  const t = status.engine.totals, at = performance.now();
  samples.push({ at, guests, all: partsOf(t), breaks: t.cowFaultsPerSecond, scan: t.scanPagesPerSecond });
  while (samples[0].at < at - WINDOW) samples.shift();
}

// ---- plots ---------------------------------------------------------------------------------------------------------
class Plot {
  constructor(host, height, draw, tip) {
    this.host = host; this.height = height; this.drawInto = draw; this.tipFor = tip;
    this.svg = make("svg", { height, role: "img" });
    this.tip = make("div", { class: "tip" });
    host.append(this.svg, this.tip);
    host.addEventListener("pointermove", e => this.point(e.clientX));
    host.addEventListener("pointerdown", e => this.point(e.clientX));
    host.addEventListener("pointerleave", () => this.leave());
  }
  draw(label, top, format) {
    const width = this.host.clientWidth || 300, left = 56, bottom = 18, head = 8;
    const now = samples.at(-1).at, span = Math.min(WINDOW, Math.max(SHORTEST, now - samples[0].at));
    this.x = at => left + (width - left - 2) * (1 - (now - at) / span);
    this.y = value => head + (this.height - head - bottom) * (1 - value / top);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.svg.setAttribute("aria-label", label);
    this.cross = make("line", { class: "cross", y1: head, y2: this.height - bottom });
    this.svg.replaceChildren();
    for (const part of [0, 0.5, 1]) {
      const y = this.y(top * part);
      this.svg.append(make("line", { class: "grid", x1: left, x2: width - 2, y1: y, y2: y }));
      this.text(part ? format(top * part) : "0", left - 6, y + 4, "end");
    }
    this.drawInto(this);
    const base = this.height - bottom;
    this.svg.append(make("line", { class: "base", x1: left, x2: width - 2, y1: base, y2: base }), this.cross);
    const seconds = Math.round(span / 1000);
    const begin = seconds >= 120 ? `−${(seconds / 60).toFixed(seconds % 60 ? 1 : 0)} min` : `−${seconds} s`;
    this.text(begin, left, this.height - 4, "start");
    this.text("now", width - 2, this.height - 4, "end");
    if (this.pointed !== undefined) this.point(this.pointed);
  }
  text(words, x, y, anchor) {
    const element = make("text", { x, y, "text-anchor": anchor });
    element.textContent = words;
    this.svg.append(element);
  }
  // One look alone has no width: it is drawn as if it had lasted a moment.
  get looks() {
    return samples.length > 1 ? samples : [{ ...samples[0], at: samples[0].at - STEP }, samples[0]];
  }
  area(name, low, high) {
    const up = this.looks.map(s => `${this.x(s.at).toFixed(1)},${this.y(high(s)).toFixed(1)}`);
    const down = this.looks.map(s => `${this.x(s.at).toFixed(1)},${this.y(low(s)).toFixed(1)}`).reverse();
    this.svg.append(make("path", { class: `area ${name}`, d: `M${up.join("L")}L${down.join("L")}Z` }));
  }
  line(value) {
    const points = this.looks.map(s => `${this.x(s.at).toFixed(1)},${this.y(value(s)).toFixed(1)}`);
    const first = this.x(this.looks[0].at).toFixed(1), last = this.x(samples.at(-1).at).toFixed(1);
    const base = this.y(0).toFixed(1);
    this.svg.append(make("path", { class: "under", d: `M${first},${base}L${points.join("L")}L${last},${base}Z` }));
    this.svg.append(make("path", { class: "line", d: `M${points.join("L")}` }));
  }
  point(clientX) {
    if (!samples.length || !this.x) return;
    this.pointed = clientX;
    const box = this.svg.getBoundingClientRect(), wanted = clientX - box.left;
    const sample = samples.reduce((a, b) => Math.abs(this.x(b.at) - wanted) < Math.abs(this.x(a.at) - wanted) ? b : a);
    const x = this.x(sample.at);
    this.cross.setAttribute("x1", x); this.cross.setAttribute("x2", x);
    this.cross.style.visibility = "visible";
    const ago = Math.round((samples.at(-1).at - sample.at) / 1000);
    this.tip.replaceChildren(make("div", {}, ago ? `${ago} s ago` : "now"), ...this.tipFor(sample));
    this.tip.style.display = "block";
    const wide = this.tip.offsetWidth;
    const beside = x + 12 + wide > box.width ? x - wide - 12 : x + 12;
    this.tip.style.left = Math.max(0, Math.min(beside, box.width - wide)) + "px";
    this.tip.style.top = "16px";
  }
  leave() {
    this.pointed = undefined;
    this.tip.style.display = "none";
    if (this.cross) this.cross.style.visibility = "hidden";
  }
}

function stack(host, parts) {
  return new Plot(host, 132, plot => {
    let low = () => 0;
    for (const [kind] of KINDS) {
      const below = low, high = s => below(s) + (parts(s)?.[kind] || 0);
      plot.area(kind, below, high);
      low = high;
    }
  }, s => KINDS.map(([kind, label]) =>
    make("div", {}, make("i", { class: kind }), `${label}: ${bytes(parts(s)?.[kind] || 0)}`)).reverse());
}
const rates = [
  ["breaks", "Breaks per second", s => s.breaks], ["scan", "Pages scanned per second", s => s.scan],
].map(([id, label, value]) => ({
  label,
  value,
  plot: new Plot(byId(id), 120, p => p.line(value), s => [make("div", {}, `${label}: ${count(value(s))}`)]),
}));
const guestPlots = new Map(); // key -> { figure, title, size, plot }

function guestPlot(key, title, parts) {
  let entry = guestPlots.get(key);
  if (!entry) {
    const caption = make("figcaption", {}, make("b", { title }, title), make("span", {}));
    const host = make("div", { class: "plot" });
    const figure = make("figure", {}, caption, host);
    byId("guests").append(figure);
    guestPlots.set(key, entry = { figure, size: caption.lastChild, plot: stack(host, parts) });
  }
  return entry;
}
function drawGuests() {
  const guests = latest.engine.guests, wanted = [];
  if (guests.length > 1) wanted.push(["all", "All guests", s => s.all]);
  const largest = [...guests].sort((a, b) => b.counters.mappedBytes - a.counters.mappedBytes).slice(0, MOST_PLOTS);
  for (const g of guests.filter(g => largest.includes(g))) {
    wanted.push(["guest " + g.name, g.name, s => s.guests.get(g.name)]);
  }
  for (const [key, entry] of guestPlots) {
    if (!wanted.some(([k]) => k === key)) { entry.figure.remove(); guestPlots.delete(key); }
  }
  // Guests have one scale, so that they can be compared; the sum has its own.
  const most = Math.max(...samples.flatMap(s => largest.map(g => sumOf(s.guests.get(g.name)))), PAGE);
  for (const [key, title, parts] of wanted) {
    const entry = guestPlot(key, title, parts), now = parts(samples.at(-1));
    entry.size.textContent = `${bytes(sumOf(now))} written`;
    const top = roundUp(key === "all" ? Math.max(...samples.map(s => sumOf(s.all)), PAGE) : most, true);
    const figures = KINDS.map(([kind, label]) => `${label.toLowerCase()} ${bytes(now?.[kind] || 0)}`);
    entry.plot.draw(`${title}: ${figures.join(", ")}`, top, bytes);
  }
  byId("guests").classList.toggle("none", wanted.length === 0);
  let note = byId("none");
  if (!wanted.length || guests.length > MOST_PLOTS) {
    if (!note) byId("guests").after(note = make("p", { id: "none", class: "empty" }));
    note.textContent = wanted.length ? `${guests.length - MOST_PLOTS} smaller guests are in the table alone.`
      : "No guests yet. They show here as soon as a process asks this host for memory.";
  } else if (note) note.remove();
}

// ---- text ----------------------------------------------------------------------------------------------------------
function drawTiles() {
  const t = latest.engine.totals, p99 = t.cowFaultNanoseconds.p99, domains = latest.engine.domains.length;
  const tiles = [
    ["Saved", bytes(t.savedBytes), `${Math.round(100 * t.sharingRatio)} % of ${bytes(t.mappedBytes)} written`],
    ["Resident", bytes(t.residentBytes), "by the kernel's account"],
    ["Net saved", bytes(t.netSavedBytes), `tables take ${bytes(t.metadataBytes + t.kernelTableBytes)}`],
    ["Guests", count(latest.engine.guests.length), `in ${domains} share domain${domains === 1 ? "" : "s"}`],
    ["Break, p99", p99 ? (p99 / 1000).toFixed(1) + " µs" : "–", `${count(t.cowFaults)} since the start`],
    ["Scanner", t.scanCpuSeconds.toFixed(1) + " s CPU", `${count(t.fullScans)} full passes`],
  ];
  byId("tiles").replaceChildren(...tiles.map(([name, value, more]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value, make("small", {}, more)))));
}
function drawTable() {
  const processes = new Map(latest.processes.map(p => [p.name, p]));
  byId("rows").replaceChildren(...latest.engine.guests.map(g => {
    const c = g.counters, p = partsOf(c), process = processes.get(g.name);
    const state = (process ? process.state : "") + (g.sharing ? "" : ", paused")
      + (process && process.pagesToMove ? `, ${count(process.pagesToMove)} to move` : "");
    const numbers = [bytes(c.pagesTotal * PAGE), bytes(p.private), bytes(p.shared), bytes(p.zero), bytes(c.savedBytes),
      count(c.cowFaultsPerSecond), count(c.mappingsUsed), process ? String(process.processId) : ""];
    return make("tr", {},
      make("td", { title: g.name }, g.name), make("td", { title: g.domain }, g.domain), make("td", {}, state),
      ...numbers.map(n => make("td", { class: "n" }, n)));
  }));
}
function drawAll() {
  if (!latest) return;
  drawTiles(); drawGuests(); drawTable();
  for (const { label, value, plot } of rates) {
    const most = Math.max(...samples.map(value));
    const top = roundUp(Math.max(most, 1), false);
    plot.draw(`${label}: now ${count(value(samples.at(-1)))}, most ${count(most)}`, top, count);
  }
  const list = byId("warnings");
  list.hidden = !latest.engine.warnings.length;
  list.replaceChildren(...latest.engine.warnings.map(w => make("li", {}, w)));
  const since = new Date(latest.startedAt).toLocaleString();
  byId("host").textContent = `version ${latest.version}, process ${latest.processId}, since ${since}`;
}

// ---- loop ----------------------------------------------------------------------------------------------------------
async function look() {
  const live = byId("live");
  try {
    const response = await fetch("/status", { cache: "no-store" });
    if (!response.ok) throw new Error(`the host answers ${response.status}`);
    const status = await response.json();
    if (latest && latest.hostId !== status.hostId) samples.length = 0; // another host: its counters begin anew
    latest = status;
    record(status);
    failedSince = null;
    live.textContent = `live, ${new Date().toLocaleTimeString()}`;
    live.className = "on";
    drawAll();
    document.body.dataset.samples = samples.length;
  } catch (failure) {
    failedSince ??= new Date().toLocaleTimeString();
    live.textContent = `no answer since ${failedSince} (${failure.message}); trying again`;
    live.className = "off";
  }
  setTimeout(look, document.hidden ? 5 * STEP : STEP);
}
byId("legend").append(...KINDS.map(([kind, label]) => make("li", {}, make("i", { class: kind }), label)));
addEventListener("resize", drawAll);
look();
