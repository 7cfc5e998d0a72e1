using System.Globalization;
using System.Net;

namespace PageShare.Cli.Html;

/// <summary>Text and numbers as HTML and SVG want them.</summary>
internal static class HtmlText
{
    /// <summary>Text in which nothing is markup.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>A coordinate.</summary>
    public static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);
}
