using System.Text;

namespace PageShare.Cli.Html;

/// <summary>A bar for each of some classes, each with its number.</summary>
/// <param name="title">What it shows.</param>
/// <param name="description">What is to be seen in it.</param>
internal sealed class BarPlot(string title, string description) : Figure(title, description)
{
    private const int RowHeight = 26;
    private const int BarHeight = 16;
    private const int LabelWidth = 104;
    private const int NumberWidth = 96;

    private readonly List<(string Class, double Value, string Text, string More)> _bars = [];

    /// <summary>What classes are of, what bars measure, and what else is told of each.</summary>
    public required (string Class, string Value, string More) Names { get; init; }

    /// <inheritdoc/>
    protected override HtmlTable? Table
    {
        get
        {
            var table = new HtmlTable($"{Names.Value} by {Names.Class}", Names.Class, Names.Value, Names.More);
            foreach ((string @class, _, string text, string more) in _bars)
            {
                table.Row(@class, text, more);
            }

            return table;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<LegendEntry> Legend => [];

    /// <summary>Adds a bar.</summary>
    public void Bar(string @class, double value, string text, string more) => _bars.Add((@class, value, text, more));

    /// <inheritdoc/>
    protected override int Draw(StringBuilder svg, DrawingSize size)
    {
        double most = Math.Max(1, _bars.Max(bar => bar.Value));
        int width = size.Width - LabelWidth - NumberWidth;
        for (int i = 0; i < _bars.Count; i++)
        {
            int y = i * RowHeight;
            double length = Math.Max(1, _bars[i].Value / most * width);
            Text(svg, LabelWidth - 10, y + BarHeight - 3, _bars[i].Class, "end");
            svg.Append($"<rect class=\"f1\" x=\"{LabelWidth}\" y=\"{y}\" width=\"{HtmlText.Number(length)}\" "
                + $"height=\"{BarHeight}\" rx=\"2\"/>\n");
            Text(svg, LabelWidth + length + 8, y + BarHeight - 3, _bars[i].Text, "start", "strong");
        }

        return _bars.Count * RowHeight;
    }
}
