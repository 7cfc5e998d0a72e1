using System.Text;

namespace PageShare.Cli.Html;

/// <summary>A table. Where it is wider than the screen it scrolls by itself, and the page does not.</summary>
/// <param name="caption">What it is, for those who hear it.</param>
/// <param name="headings">Of its columns; numbers all but the first.</param>
internal sealed class HtmlTable(string caption, params string[] headings) : IHtmlPart
{
    private readonly StringBuilder _rows = new();

    /// <summary>Columns with words, from 0. On a phone the cells of such a table lie one below the other.</summary>
    public IReadOnlyList<int> Words { get; init; } = [];

    /// <summary>Adds a row.</summary>
    public HtmlTable Row(params IEnumerable<string> cells) => AddRow("", cells);

    /// <summary>Adds a row that sums up.</summary>
    public HtmlTable Total(params IEnumerable<string> cells) => AddRow(" class=\"total\"", cells);

    /// <inheritdoc/>
    public void Write(StringBuilder html)
    {
        string label = HtmlText.Escape(caption);
        string style = Words.Count > 0 ? " class=\"stack\"" : "";
        html.Append($"<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table{style}>\n")
            .Append("<thead><tr>");
        for (int i = 0; i < headings.Length; i++)
        {
            html.Append($"<th scope=\"col\"{StyleOf(i)}>").Append(HtmlText.Escape(headings[i])).Append("</th>");
        }

        html.Append("</tr></thead>\n<tbody>\n").Append(_rows).Append("</tbody></table></div>\n");
    }

    private HtmlTable AddRow(string attribute, IEnumerable<string> cells)
    {
        _rows.Append($"<tr{attribute}>");
        int column = 0;
        foreach (string cell in cells)
        {
            string tag = column == 0 ? "th scope=\"row\"" : "td";
            _rows.Append($"<{tag}{StyleOf(column)} data-label=\"{HtmlText.Escape(headings[column])}\">")
                .Append(HtmlText.Escape(cell)).Append($"</{tag[..2]}>");
            column++;
        }

        _rows.Append("</tr>\n");
        return this;
    }

    private string StyleOf(int column) => Words.Contains(column) ? " class=\"words\"" : "";
}
