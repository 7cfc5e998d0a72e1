using System.Reflection;
using System.Text;

namespace PageShare.Cli.Html;

/// <summary>
/// One self-contained page: its style is inside, its figures are SVG, it has no script and loads nothing, so that it
/// can be mailed, kept, and opened anywhere.
/// </summary>
internal sealed class HtmlPage
{
    private const string StyleResource = "PageShare.Cli.Html.report.css";

    private readonly StringBuilder _body = new();
    private readonly string _title;

    /// <param name="title">Its title and first heading.</param>
    /// <param name="lead">What it is about, a sentence or two.</param>
    public HtmlPage(string title, string lead)
    {
        _title = title;
        _body.Append("<h1>").Append(HtmlText.Escape(title)).Append("</h1>\n");
        Paragraph(lead, "lead");
    }

    /// <summary>The style sheet, for other pages that shall look alike.</summary>
    public static string Style { get; } = ReadStyle();

    /// <summary>A heading.</summary>
    public HtmlPage Heading(string text)
    {
        _body.Append("<h2>").Append(HtmlText.Escape(text)).Append("</h2>\n");
        return this;
    }

    /// <summary>A paragraph.</summary>
    public HtmlPage Paragraph(string text, string style = "")
    {
        string attribute = style.Length == 0 ? "" : $" class=\"{style}\"";
        _body.Append($"<p{attribute}>").Append(HtmlText.Escape(text)).Append("</p>\n");
        return this;
    }

    /// <summary>The figures that matter most.</summary>
    public HtmlPage Tiles(params IEnumerable<Tile> tiles)
    {
        _body.Append("<dl class=\"tiles\">\n");
        foreach (Tile tile in tiles)
        {
            _body.Append("<div class=\"tile\"><dt>").Append(HtmlText.Escape(tile.Name)).Append("</dt><dd>")
                .Append(HtmlText.Escape(tile.Value));
            if (tile.Remark.Length > 0)
            {
                _body.Append("<small>").Append(HtmlText.Escape(tile.Remark)).Append("</small>");
            }

            _body.Append("</dd></div>\n");
        }

        _body.Append("</dl>\n");
        return this;
    }

    /// <summary>Something that makes its own markup.</summary>
    public HtmlPage Add(IHtmlPart part)
    {
        part.Write(_body);
        return this;
    }

    /// <summary>Text as it stands, in a fixed width.</summary>
    public HtmlPage Code(string text)
    {
        _body.Append("<pre tabindex=\"0\"><code>").Append(HtmlText.Escape(text)).Append("</code></pre>\n");
        return this;
    }

    /// <summary>Remarks, one below the other.</summary>
    public HtmlPage Notes(IEnumerable<string> notes)
    {
        foreach (string note in notes)
        {
            Paragraph(note, "note");
        }

        return this;
    }

    /// <summary>What went wrong, one below the other.</summary>
    public HtmlPage Problems(IEnumerable<string> problems)
    {
        foreach (string problem in problems)
        {
            Paragraph(problem, "problem");
        }

        return this;
    }

    /// <summary>The whole page.</summary>
    public override string ToString() => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>{HtmlText.Escape(_title)}</title>
        <style>
        {Style}</style>
        </head>
        <body>
        <main>
        {_body}<footer>Made by pageshare {Product.Version}</footer>
        </main>
        </body>
        </html>

        """;

    /// <summary>Writes it to a file.</summary>
    /// <exception cref="CommandException">The file can't be written.</exception>
    public void WriteTo(string path) => OutputFile.Write(path, ToString());

    private static string ReadStyle()
    {
        using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream(StyleResource)!;
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}

/// <summary>A figure that matters.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The figure.</param>
/// <param name="Remark">What to know about it; may be empty.</param>
internal sealed record Tile(string Name, string Value, string Remark = "");

/// <summary>A part of a page.</summary>
internal interface IHtmlPart
{
    /// <summary>Appends its markup.</summary>
    void Write(StringBuilder html);
}
