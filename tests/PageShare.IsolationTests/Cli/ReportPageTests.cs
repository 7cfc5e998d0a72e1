using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>The pages of all commands, in a real browser.</summary>
public sealed partial class ReportPageTests : IDisposable
{
    private static readonly string[] Browsers =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private static readonly int[] Widths = [320, 390, 1280];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void NoPageOverflowsOnPhoneOrDesktop()
    {
        string browser = Browser();
        string[] pages = [.. Pages()];
        string frames = string.Concat(
            from page in pages
            let content = WebUtility.HtmlEncode(File.ReadAllText(page))
            from width in Widths
            select $"<iframe width=\"{width}\" height=\"900\" srcdoc=\"{content}\"></iframe>");
        string harness = _folder.Write("harness.html", $$"""
            <!DOCTYPE html><body>{{frames}}<pre id="said"></pre><script>
            addEventListener('load', () => {
              document.getElementById('said').textContent = [...document.querySelectorAll('iframe')].map(frame => {
                const page = frame.contentDocument.documentElement;
                const paper = frame.contentWindow.getComputedStyle(frame.contentDocument.body).backgroundColor;
                const headings = page.querySelectorAll('h1').length;
                return `width ${frame.width} needs ${page.scrollWidth} paper ${paper} headings ${headings};`;
              }).join(' ');
            });
            </script></body>
            """);

        string light = Render(browser, harness, "preferredColorScheme=1");
        string dark = Render(browser, harness, "preferredColorScheme=0");

        MatchCollection found = FramePattern().Matches(light);
        Assert.Equal(pages.Length * Widths.Length, found.Count);
        Assert.All(found, frame =>
        {
            Assert.Equal("1", frame.Groups["headings"].Value);
            Assert.Equal("rgb(255, 255, 255)", frame.Groups["paper"].Value);
            Assert.True(
                int.Parse(frame.Groups["needs"].Value) <= int.Parse(frame.Groups["width"].Value), frame.Value);
        });
        Assert.All(FramePattern().Matches(dark), frame => Assert.Equal("rgb(20, 23, 28)", frame.Groups["paper"].Value));
    }

    [Fact]
    public void NoPageLoadsAnything() => Assert.All(Pages(), page =>
    {
        string text = File.ReadAllText(page);
        Assert.DoesNotMatch("(?i)(src|href)=|url\\(|@import|https?://|<script", text);
        Assert.Contains("default-src 'none'", text, StringComparison.Ordinal);
    });

    private static string Browser()
    {
        string? browser = Array.Find(Browsers, File.Exists);
        Assert.SkipWhen(browser is null, "needs Chromium");
        return browser;
    }

    [GeneratedRegex(@"width (?<width>\d+) needs (?<needs>\d+) paper (?<paper>[^;]+\)) headings (?<headings>\d+);")]
    private static partial Regex FramePattern();

    private string Render(string browser, string page, string setting)
    {
        using Process process = Process.Start(new ProcessStartInfo(
            browser,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom",
                $"--user-data-dir={Path.Combine(_folder.Path, setting)}", $"--blink-settings={setting}", $"file://{page}",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(said.Contains("needs", StringComparison.Ordinal), $"the browser said {said}\n{errors.Result}");
        return WebUtility.HtmlDecode(said);
    }

    private IEnumerable<string> Pages()
    {
        // A name that is long and has no place to break.
        string longName = _folder.Write($"{new string('x', 120)}.ram", MemoryImages.Make(800, seed: 1));
        string other = _folder.Write("b.ram", MemoryImages.Make(800, seed: 2));
        string recording = Path.Combine(_folder.Path, "r.psrec");
        yield return Page("scan", "scan", longName, other, Path.Combine(_folder.Path, "missing"));
        yield return Page("tune", "tune", "--at", "0s", longName, other, "--at", "20s", other, longName);
        yield return Page(
            "record", "record", "--interval", "50ms", "--duration", "200ms", "--out", recording, longName, other);
        yield return Page("doctor", "doctor");
        yield return Page("run", "run", "--image", longName, "--image", other, "--until-converged");
    }

    private string Page(string name, params string[] command)
    {
        string path = Path.Combine(_folder.Path, $"{name}.html");
        PageShareCommand.Run([.. command, "--html", path]);
        Assert.True(File.Exists(path), $"{name} wrote no page");
        return path;
    }
}
