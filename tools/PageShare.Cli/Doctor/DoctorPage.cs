using System.Text;
using PageShare.Cli.Html;

namespace PageShare.Cli.Doctor;

/// <summary>What was found about a machine as a web page.</summary>
internal static class DoctorPage
{
    /// <summary>Makes it.</summary>
    public static HtmlPage Of(DoctorReport report)
    {
        var page = new HtmlPage(
            "What this machine offers",
            report.Usable ? "PageShare works here." : "PageShare does not work here.");
        page.Tiles(Enum.GetValues<FindingState>().Select(state => new Tile(
            state.ToString().ToLowerInvariant(),
            Quantity.Count(report.Findings.Count(finding => finding.State == state)))));
        foreach (Finding finding in report.Findings)
        {
            page.Add(new FindingPart(finding));
        }

        return page;
    }

    /// <summary>One finding: what, how it bears on PageShare, what it means, and what improves it.</summary>
    private sealed class FindingPart(Finding finding) : IHtmlPart
    {
        public void Write(StringBuilder html)
        {
            string state = finding.State.ToString().ToLowerInvariant();
            html.Append($"<section><h3>{HtmlText.Escape(finding.Name)} <span class=\"state {state}\">{state}</span></h3>\n")
                .Append($"<p>{HtmlText.Escape(finding.Found)}. {HtmlText.Escape(finding.Meaning)}</p>\n");
            if (finding.Improve is string command)
            {
                html.Append($"<pre tabindex=\"0\"><code>{HtmlText.Escape(command)}</code></pre>\n");
            }

            html.Append("</section>\n");
        }
    }
}
