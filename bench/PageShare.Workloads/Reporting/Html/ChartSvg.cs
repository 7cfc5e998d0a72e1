using System.Globalization;
using System.Net;
using System.Text;

namespace PageShare.Workloads.Reporting.Html;

/// <summary>A chart as inline SVG. Colours are the page's, so that they follow light and dark; lines differ by dashes,
/// too.</summary>
internal sealed class ChartSvg
{
    private const double Width = 760;
    private const double Height = 320;
    private const double Left = 72;
    private const double Right = 12;
    private const double Top = 26;
    private const double Bottom = 46;
    private const int MostTicksX = 10;
    private const int MostTicksY = 6;

    private readonly StringBuilder _svg = new();
    private readonly LineChart _chart;
    private readonly string _id;
    private readonly IReadOnlyList<double> _ticksX;
    private readonly IReadOnlyList<double> _ticksY;

    private ChartSvg(LineChart chart, string id)
    {
        _chart = chart;
        _id = id;
        var points = chart.Lines.SelectMany(static line => line.Points).ToList();
        _ticksX = AxisTicks.Of(points.Select(static point => point.X).DefaultIfEmpty().Max(), MostTicksX);
        _ticksY = AxisTicks.Of(points.Select(static point => point.Y).DefaultIfEmpty().Max(), MostTicksY);
    }

    /// <summary>Draws it.</summary>
    /// <param name="chart">What.</param>
    /// <param name="id">Unique in the page.</param>
    public static string Draw(LineChart chart, string id)
    {
        var drawing = new ChartSvg(chart, id);
        drawing.Draw();
        return drawing._svg.ToString();
    }

    private void Draw()
    {
        Add($"""<svg viewBox="0 0 {Width} {Height}" role="img" aria-labelledby="{_id}-t {_id}-d">""");
        Add($"""<title id="{_id}-t">{Text(_chart.Title)}</title>""");
        Add($"""<desc id="{_id}-d">{Text(_chart.Description)}</desc>""");
        Spans();
        Axes();
        for (var i = 0; i < _chart.Lines.Count; i++)
        {
            // Beyond the page's eight kinds they begin anew; no chart has more.
            var points = string.Join(' ', _chart.Lines[i].Points.Select(point => $"{N(X(point.X))},{N(Y(point.Y))}"));
            Add($"""<polyline class="line k{i % 8}" points="{points}"/>""");
        }

        Add("</svg>");
    }

    private void Spans()
    {
        for (var i = 0; i < _chart.Spans.Count; i++)
        {
            var (name, from, to) = _chart.Spans[i];
            var (left, right) = (X(from), Math.Min(X(to), Width - Right));
            var shade = i % 2 == 0 ? "span" : "span odd";
            var (width, height) = (right - left, Height - Top - Bottom);
            Add($"""<rect class="{shade}" x="{N(left)}" y="{Top}" width="{N(width)}" height="{height}"/>""");

            // A name that does not fit over its span would cover its neighbour's.
            if (width > 7 * name.Length)
            {
                Add("mark", (left + right) / 2, Top - 8, "middle", name);
            }
        }
    }

    private void Axes()
    {
        foreach (var tick in _ticksY)
        {
            Add($"""<line class="grid" x1="{Left}" x2="{Width - Right}" y1="{N(Y(tick))}" y2="{N(Y(tick))}"/>""");
            Add("mark", Left - 8, Y(tick) + 4, "end", Number(tick));
        }

        foreach (var tick in _ticksX)
        {
            Add("mark", X(tick), Height - Bottom + 18, "middle", Number(tick));
        }

        Add("axis", (Left + Width - Right) / 2, Height - 6, "middle", _chart.XLabel);
        Add($"""<g transform="translate(14 {N((Top + Height - Bottom) / 2)}) rotate(-90)">""");
        Add("axis", 0, 0, "middle", _chart.YLabel);
        Add("</g>");
    }

    private double X(double value) => Left + (value / _ticksX[^1] * (Width - Left - Right));

    private double Y(double value) => Height - Bottom - (Math.Max(0, value) / _ticksY[^1] * (Height - Top - Bottom));

    private void Add(string kind, double x, double y, string anchor, string text) =>
        Add($"""<text class="{kind}" x="{N(x)}" y="{N(y)}" text-anchor="{anchor}">{Text(text)}</text>""");

    private void Add(FormattableString line) => _svg.Append(FormattableString.Invariant(line)).Append('\n');

    private void Add(string line) => _svg.Append(line).Append('\n');

    private static string N(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("#,0.######", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
