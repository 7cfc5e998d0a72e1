using System.Text;

namespace PageShare.Cli.Html;

/// <summary>
/// A figure with a text alternative: a title and a description for those who do not see it, and its numbers as a table
/// for those who want them. Drawn twice, for narrow and for wide screens.
/// </summary>
/// <param name="title">What it shows, in a few words.</param>
/// <param name="description">What is to be seen in it, a sentence or two.</param>
internal abstract class Figure(string title, string description) : IHtmlPart
{
    private static readonly DrawingSize Wide = new(880, 340, "wide");
    private static readonly DrawingSize Narrow = new(358, 280, "narrow");

    /// <summary>The numbers; null if there are too many to read.</summary>
    protected abstract HtmlTable? Table { get; }

    /// <summary>What the marks mean: a class of the style sheet for each, whether it is a line, and its name.</summary>
    protected abstract IEnumerable<LegendEntry> Legend { get; }

    /// <inheritdoc/>
    public void Write(StringBuilder html)
    {
        html.Append("<figure>\n<h3>").Append(HtmlText.Escape(title)).Append("</h3>\n");
        WriteLegend(html);
        foreach (DrawingSize size in new[] { Wide, Narrow })
        {
            var svg = new StringBuilder();
            int height = Draw(svg, size);
            html.Append($"<svg class=\"{size.Style}\" viewBox=\"0 0 {size.Width} {height}\" role=\"img\" aria-label=\"")
                .Append(HtmlText.Escape($"{title}. {description}")).Append("\">\n").Append(svg).Append("</svg>\n");
        }

        html.Append("<figcaption>").Append(HtmlText.Escape(description)).Append("</figcaption>\n");
        if (Table is HtmlTable table)
        {
            html.Append("<details><summary>The numbers</summary>\n");
            table.Write(html);
            html.Append("</details>\n");
        }

        html.Append("</figure>\n");
    }

    /// <summary>Draws it.</summary>
    /// <param name="svg">Where to.</param>
    /// <param name="size">How large.</param>
    /// <returns>Its height.</returns>
    protected abstract int Draw(StringBuilder svg, DrawingSize size);

    /// <summary>A text.</summary>
    protected static void Text(
        StringBuilder svg, double x, double y, string text, string anchor = "start", string style = "")
    {
        string attribute = style.Length == 0 ? "" : $" class=\"{style}\"";
        svg.Append($"<text x=\"{HtmlText.Number(x)}\" y=\"{HtmlText.Number(y)}\" text-anchor=\"{anchor}\"{attribute}>")
            .Append(HtmlText.Escape(text)).Append("</text>\n");
    }

    /// <summary>A line.</summary>
    protected static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string style) => svg.Append(
        $"<line x1=\"{HtmlText.Number(x1)}\" y1=\"{HtmlText.Number(y1)}\" x2=\"{HtmlText.Number(x2)}\" "
        + $"y2=\"{HtmlText.Number(y2)}\" class=\"{style}\"/>\n");

    private void WriteLegend(StringBuilder html)
    {
        LegendEntry[] entries = [.. Legend];
        if (entries.Length == 0)
        {
            return;
        }

        html.Append("<ul class=\"legend\">");
        foreach (LegendEntry entry in entries)
        {
            string key = entry.IsLine
                ? $"<svg class=\"key\" viewBox=\"0 0 26 12\" aria-hidden=\"true\"><path class=\"curve {entry.Style}\" "
                    + "d=\"M1 6H25\"/></svg>"
                : $"<svg class=\"swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{entry.Style}\" "
                    + "width=\"10\" height=\"10\" rx=\"2\"/></svg>";
            html.Append("<li>").Append(key).Append(HtmlText.Escape(entry.Name)).Append("</li>");
        }

        html.Append("</ul>\n");
    }
}

/// <summary>How large a figure is drawn.</summary>
/// <param name="Width">Its width in pixels of the style sheet.</param>
/// <param name="Height">Its height, where it may choose none of its own.</param>
/// <param name="Style">Its class.</param>
internal sealed record DrawingSize(int Width, int Height, string Style)
{
    /// <summary>Whether it is for narrow screens.</summary>
    public bool IsNarrow => Style == "narrow";
}

/// <summary>What a mark means.</summary>
/// <param name="Style">Class of the style sheet.</param>
/// <param name="Name">What it stands for.</param>
/// <param name="IsLine">Whether it is a line, or an area.</param>
internal sealed record LegendEntry(string Style, string Name, bool IsLine = false);
