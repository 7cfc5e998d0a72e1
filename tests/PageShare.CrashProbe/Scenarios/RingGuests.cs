using System.Globalization;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>
/// A guest in a process of its own, without a host's service: it opens its memory through the host's /proc folder, and
/// is told by lines on its standard input what to do.
/// </summary>
internal static class RingGuests
{
    /// <summary>Answers each line with one; ends with its input.</summary>
    public static int Run(ProbeArguments arguments)
    {
        var pages = arguments.Number("pages", 0);
        var plan = new RingGuestPlan(
            arguments.Required("guest"), arguments.Required("domain"), pages, arguments.Number("most-pages", pages),
            long.Parse(arguments.Required("store-bytes"), CultureInfo.InvariantCulture), arguments.RequiredEngine,
            TrackWrites: true, TimeSpan.FromSeconds(1), BreakPages: 1);
        using var guest = new RingGuest(plan, new RingGuestPaths(
            arguments.Required("backing"), arguments.Required("table"), arguments.Required("ring"),
            arguments.Required("store")));
        var oracle = new OracleGuest(guest);
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(Do(line.Split(' '), guest, oracle));
        }

        return ProbeExit.Done;
    }

    private static string Do(string[] words, RingGuest guest, OracleGuest oracle)
    {
        switch (words[0])
        {
            case "fill":
                var first = Number(words[1]);
                oracle.WriteAll(page => PageContent.Unique(first + page));
                return "filled";
            case "fill-runs":
                oracle.WriteAll(page => MergeThroughput.ContentOf(
                    page, oracle.Pages, (int)Number(words[1]), isReversed: words[2] == "1"));
                return "filled";
            case "attach":
                guest.StartAgent();
                return "attached";
            case "write":
                Write(oracle, Number(words[1]), new Random((int)Number(words[2])));
                return "written";
            case "verify":
                oracle.Verify();
                return "right";
            case "die":
                Environment.FailFast("as told");
                return "";
            default:
                return $"'{words[0]}' is nothing that this does";
        }
    }

    private static void Write(OracleGuest oracle, long count, Random random)
    {
        for (var i = 0L; i < count; i++)
        {
            oracle.Write(random.NextInt64(oracle.Pages), random.Next(PageContent.Bytes), (byte)random.Next(256));
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
