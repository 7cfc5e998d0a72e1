using System.Reflection;
using System.Text.RegularExpressions;
using PageShare.Host.Web;
using PageShare.Metrics;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Host;

public sealed partial class PrometheusTextTests
{
    [Fact]
    public void EveryCounterIsAMetricOnce()
    {
        var counters = typeof(CounterSet).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(static property => PrometheusText.NameOf(property.Name));
        string[] types = [.. Lines(PrometheusText.Write(Status()))
            .Where(static line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(static line => line.Split(' ')[2])];
        Assert.Equal(types.Distinct(), types);
        Assert.Equal(
            counters.Order(),
            types.Except(["pageshare_pages_to_move", "pageshare_guest_state", "pageshare_host_info",
                "pageshare_host_start_time_seconds"]).Order());
    }

    [Fact]
    public void NamesAreTheCountersInSnakeCase()
    {
        Assert.Equal("pageshare_cow_fault_nanoseconds", PrometheusText.NameOf(nameof(CounterSet.CowFaultNanoseconds)));
        Assert.Equal("pageshare_pages_sharing", PrometheusText.NameOf(nameof(CounterSet.PagesSharing)));
    }

    [Fact]
    public void EveryLineIsWellFormedAndEverySampleBelongsToTheTypeBeforeIt()
    {
        var current = "";
        foreach (var line in Lines(PrometheusText.Write(Status())))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                current = line.Split(' ')[2];
                Assert.True(line.Split(' ').Length > 3, line);
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Assert.Matches($"^# TYPE {current} (gauge|counter|summary)$", line);
            }
            else
            {
                Assert.Matches(Sample(), line);
                Assert.StartsWith(current, line, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void GuestsAreLabelledAndTheirNamesAreEscaped()
    {
        var text = PrometheusText.Write(Status());
        Assert.Contains("pageshare_pages_total{domain=\"1001/default\",guest=\"a\\\"b\\\\c\",user=\"1001\"} 100\n",
            text, StringComparison.Ordinal);
        Assert.Contains(
            "pageshare_guest_state{domain=\"1001/default\",guest=\"a\\\"b\\\\c\",user=\"1001\",state=\"attached\"} 1\n",
            text, StringComparison.Ordinal);
    }

    [Fact]
    public void GuestsOfOneNameAreToldApartByTheirUsersAlone()
    {
        var text = PrometheusText.Write(Status());
        Assert.Contains(
            "pageshare_pages_total{domain=\"joined\",guest=\"db\",user=\"1001\"} 100\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "pageshare_pages_total{domain=\"joined\",guest=\"db\",user=\"1002\"} 100\n", text, StringComparison.Ordinal);
        Assert.Equal(Lines(text), Lines(text).Distinct());
    }

    [Fact]
    public void LatenciesAreSummariesOfTheHostAndOfEachGuest()
    {
        var text = PrometheusText.Write(Status());
        Assert.Contains("# TYPE pageshare_cow_fault_nanoseconds summary\n", text, StringComparison.Ordinal);
        Assert.Contains("pageshare_cow_fault_nanoseconds{quantile=\"0.5\"} 9000\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "pageshare_cow_fault_nanoseconds{domain=\"1001/default\",guest=\"web\",user=\"1001\",quantile=\"0.99\"} 31000\n",
            text, StringComparison.Ordinal);
    }

    [Fact]
    public void ThePageAllowsItsOwnScriptAndStyleByTheirHashesAndNothingFromElsewhere()
    {
        var page = LivePage.Load();
        var html = System.Text.Encoding.UTF8.GetString(page.Bytes);
        Assert.DoesNotContain("{{", html, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-inline", page.ContentSecurityPolicy, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", page.ContentSecurityPolicy, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", html);
        foreach (Match inline in Inline().Matches(html))
        {
            var hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(
                System.Text.Encoding.UTF8.GetBytes(inline.Groups[1].Value)));
            Assert.Contains($"'sha256-{hash}'", page.ContentSecurityPolicy, StringComparison.Ordinal);
        }

        Assert.Equal(2, Inline().Count(html));
    }

    private static string[] Lines(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return text.Split('\n')[..^1];
    }

    private static StatusAnswer Status()
    {
        var counters = new CounterSet
        {
            PagesTotal = 100,
            CowFaultNanoseconds = new LatencySummary(9000, 31000, 40000),
        };
        GuestSnapshot[] guests =
        [
            new() { Name = "a\"b\\c", Domain = "1001/default", Counters = counters },
            new() { Name = "web", Domain = "1001/default", Counters = counters },
            new() { Name = "1001/db", Domain = "joined", Counters = counters },
            new() { Name = "1002/db", Domain = "joined", Counters = counters },
        ];
        var engine = new EngineSnapshot
        {
            Totals = counters,
            Domains = [],
            Guests = guests,
            SealKind = "mprotect",
            BreakCounting = "handler",
        };
        return new StatusAnswer(
            Guid.Empty, "1.2.3", 1, DateTimeOffset.UnixEpoch, engine,
            [
                new GuestProcess(1, "a\"b\\c", 2, 1001, "attached", 0),
                new GuestProcess(2, "web", 3, 1001, "attached", 0),
                new GuestProcess(3, "1001/db", 3, 1001, "attached", 0),
                new GuestProcess(4, "1002/db", 4, 1002, "attached", 0),
            ]);
    }

    [GeneratedRegex("""^[a-z_]+(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.E+-]+$""")]
    private static partial Regex Sample();

    [GeneratedRegex("<(?:style|script)>(.*?)</(?:style|script)>", RegexOptions.Singleline)]
    private static partial Regex Inline();
}
