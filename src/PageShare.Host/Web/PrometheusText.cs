using System.Globalization;
using System.Text;
using System.Text.Json;
using PageShare.Host.Guests;
using PageShare.Metrics;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Web;

/// <summary>Writes a status in Prometheus' text format, version 0.0.4.</summary>
/// <remarks>
/// Names are <c>pageshare_</c> and the counter's name in snake case, as the engine's meter has them. Latencies are in
/// nanoseconds, as their names say, so that one name means one thing wherever PageShare shows it.
/// </remarks>
internal static class PrometheusText
{
    /// <summary>For the response.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>All metrics.</summary>
    public static string Write(StatusAnswer status)
    {
        var text = new StringBuilder(16 * 1024);
        var engine = status.Engine;
        var labels = new GuestLabels(status);
        foreach (var metric in MetricTable.OfGuests)
        {
            var name = Begin(text, metric.Counter, metric.Kind == MetricKind.Gauge ? "gauge" : "counter", metric.Help);
            foreach (var guest in engine.Guests)
            {
                Sample(text, name, labels.Of(guest), metric.Read(guest.Counters));
            }
        }

        foreach (var metric in MetricTable.OfHost)
        {
            var name = Begin(text, metric.Counter, metric.Kind == MetricKind.Gauge ? "gauge" : "counter", metric.Help);
            Sample(text, name, "", metric.Read(engine.Totals));
        }

        foreach (var metric in MetricTable.Latencies)
        {
            var name = Begin(text, metric.Counter, "summary", metric.Help);
            Quantiles(text, name, "", metric.Read(engine.Totals));
            foreach (var guest in engine.Guests)
            {
                Quantiles(text, name, labels.Of(guest) + ",", metric.Read(guest.Counters));
            }
        }

        WriteHost(text, status, labels);
        return text.ToString();
    }

    /// <summary>A counter's name as a metric's.</summary>
    public static string NameOf(string counter) => "pageshare_" + JsonNamingPolicy.SnakeCaseLower.ConvertName(counter);

    private static void WriteHost(StringBuilder text, StatusAnswer status, GuestLabels labels)
    {
        var moving = Begin(text, "PagesToMove", "gauge", "Pages that still show a former host's frames.");
        foreach (var process in status.Processes)
        {
            Sample(text, moving, labels.Of(process), process.PagesToMove);
        }

        var state = Begin(text, "GuestState", "gauge", "1 for the state that a guest is in.");
        foreach (var process in status.Processes)
        {
            Sample(text, state, $"{labels.Of(process)},state=\"{Escape(process.State)}\"", 1);
        }

        var info = Begin(text, "HostInfo", "gauge", "Which host this is.");
        Sample(text, info, $"host_id=\"{status.HostId}\",version=\"{Escape(status.Version)}\"", 1);
        var started = Begin(text, "HostStartTimeSeconds", "gauge", "When the host started, in seconds since 1970.");
        Sample(text, started, "", status.StartedAt.ToUnixTimeMilliseconds() / 1000.0);
    }

    private static string Begin(StringBuilder text, string counter, string type, string help)
    {
        var name = NameOf(counter);
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n')
            .Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return name;
    }

    private static void Quantiles(StringBuilder text, string name, string labels, LatencySummary latency)
    {
        Sample(text, name, $"{labels}quantile=\"0.5\"", latency.P50);
        Sample(text, name, $"{labels}quantile=\"0.99\"", latency.P99);
        Sample(text, name, $"{labels}quantile=\"1\"", latency.Max);
    }

    private static void Sample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Escape(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>
    /// A guest's labels: domain, name and user. The name is the user's own always, so that a series is the same one
    /// whoever else has a guest of that name.
    /// </summary>
    private sealed class GuestLabels(StatusAnswer status)
    {
        private readonly ILookup<string, string> _domains =
            status.Engine.Guests.ToLookup(static guest => guest.Name, static guest => guest.Domain);

        private readonly ILookup<string, uint> _users =
            status.Processes.ToLookup(static process => process.Name, static process => process.UserId);

        public string Of(GuestSnapshot guest) => Of(guest.Domain, guest.Name);

        public string Of(GuestProcess process) => Of(_domains[process.Name].FirstOrDefault() ?? "", process.Name);

        private string Of(string domain, string shown)
        {
            var user = _users[shown].Select(static id => id.ToString(CultureInfo.InvariantCulture))
                .FirstOrDefault(GuestKey.UserIn(shown));
            return $"domain=\"{Escape(domain)}\",guest=\"{Escape(GuestKey.NameIn(shown))}\",user=\"{user}\"";
        }
    }
}
