using System.Text;

namespace PageShare.Cli.Html;

/// <summary>Values over time or over another value: lines, and points where they matter by themselves.</summary>
/// <param name="title">What it shows.</param>
/// <param name="description">What is to be seen in it.</param>
internal sealed class LinePlot(string title, string description) : Figure(title, description)
{
    private const int Left = 74;
    private const int Right = 18;
    private const int Top = 14;
    private const int Bottom = 46;
    private const int MostTableRows = 25;
    private const double DotRadius = 3.5;
    private const double MarkRadius = 6;

    private readonly List<Series> _series = [];

    /// <summary>What lies across.</summary>
    public required Scale X { get; init; }

    /// <summary>What goes up.</summary>
    public required Scale Y { get; init; }

    /// <inheritdoc/>
    protected override HtmlTable? Table
    {
        get
        {
            Series[] lines = [.. _series.Where(series => series.Kind != SeriesKind.Cloud)];
            var table = new HtmlTable($"{X.Name} and {Y.Name}", "", X.Name, Y.Name);
            foreach (Series series in lines)
            {
                int step = Math.Max(1, (series.Points.Count + MostTableRows - 1) / MostTableRows);
                foreach ((double x, double y) in series.Points.Where((_, i) => i % step == 0))
                {
                    table.Row(series.Name, X.Text(x), Y.Text(y));
                }
            }

            return lines.Length == 0 ? null : table;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<LegendEntry> Legend => _series.Select(series => series.Kind == SeriesKind.Line
        ? new LegendEntry(series.Style, series.Name, IsLine: true)
        : new LegendEntry(series.Style, series.Name));

    /// <summary>Adds a line.</summary>
    /// <param name="style">Class of the style sheet: s1 to s5, perhaps with dashed.</param>
    /// <param name="name">What it stands for.</param>
    /// <param name="points">From left to right.</param>
    public LinePlot Curve(string style, string name, IEnumerable<(double X, double Y)> points)
    {
        _series.Add(new Series(SeriesKind.Line, style, name, [.. points]));
        return this;
    }

    /// <summary>Adds points that are many and not named one by one.</summary>
    public LinePlot Cloud(string style, string name, IEnumerable<(double X, double Y)> points)
    {
        _series.Add(new Series(SeriesKind.Cloud, style, name, [.. points]));
        return this;
    }

    /// <summary>Adds one point that is named in the figure.</summary>
    public LinePlot Mark(string style, string name, double x, double y)
    {
        _series.Add(new Series(SeriesKind.Mark, style, name, [(x, y)]));
        return this;
    }

    /// <inheritdoc/>
    protected override int Draw(StringBuilder svg, DrawingSize size)
    {
        IEnumerable<(double X, double Y)> all = _series.SelectMany(series => series.Points);
        Axis x = X.AxisFor(all.Select(point => point.X), size.IsNarrow ? 4 : 8);
        Axis y = Y.AxisFor(all.Select(point => point.Y), 5);
        int width = size.Width - Left - Right;
        int height = size.Height - Top - Bottom;
        double Across(double value) => Left + (x.Place(value) * width);
        double Up(double value) => Top + ((1 - y.Place(value)) * height);

        foreach (double mark in y.Marks)
        {
            Line(svg, Left, Up(mark), Left + width, Up(mark), mark == 0 ? "axis" : "grid");
            Text(svg, Left - 8, Up(mark) + 4, Y.Text(mark), "end");
        }

        foreach (double mark in x.Marks)
        {
            Text(svg, Across(mark), Top + height + 18, X.Text(mark), "middle");
        }

        Text(svg, Left + (width / 2.0), size.Height - 6, X.Name, "middle");
        foreach (Series series in _series)
        {
            DrawSeries(svg, series, Across, Up);
        }

        return size.Height;
    }

    private static void DrawSeries(StringBuilder svg, Series series, Func<double, double> across, Func<double, double> up)
    {
        if (series.Kind == SeriesKind.Line)
        {
            IEnumerable<string> points = series.Points.Select(
                point => $"{HtmlText.Number(across(point.X))} {HtmlText.Number(up(point.Y))}");
            svg.Append($"<path class=\"curve {series.Style}\" d=\"M{string.Join('L', points)}\"/>\n");
            return;
        }

        double radius = series.Kind == SeriesKind.Mark ? MarkRadius : DotRadius;
        foreach ((double x, double y) in series.Points)
        {
            svg.Append($"<circle class=\"{series.Style}\" cx=\"{HtmlText.Number(across(x))}\" "
                + $"cy=\"{HtmlText.Number(up(y))}\" r=\"{HtmlText.Number(radius)}\"/>\n");
        }
    }

    private sealed record Series(
        SeriesKind Kind, string Style, string Name, IReadOnlyList<(double X, double Y)> Points);

    private enum SeriesKind
    {
        Line,
        Cloud,
        Mark,
    }
}

/// <summary>What an axis measures.</summary>
/// <param name="Name">With its unit.</param>
/// <param name="Text">A value as people read it.</param>
/// <param name="IsBytes">Whether round numbers are those of a binary unit.</param>
internal sealed record Scale(string Name, Func<double, string> Text, bool IsBytes = false)
{
    /// <summary>Bytes.</summary>
    public static Scale Bytes(string name) => new(name, Quantity.Bytes, IsBytes: true);

    /// <summary>Seconds.</summary>
    public static Scale Seconds(string name) => new(name, seconds => $"{HtmlText.Number(seconds)} s");

    /// <summary>An axis that holds all values.</summary>
    public Axis AxisFor(IEnumerable<double> values, int marks)
    {
        double[] all = [.. values.DefaultIfEmpty(0)];
        double most = all.Max();
        return new Axis(most, marks, all.Min(), IsBytes ? Axis.ByteUnit(most) : 1);
    }
}
