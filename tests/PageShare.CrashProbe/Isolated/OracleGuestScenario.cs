using System.Globalization;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Isolated;

/// <summary>
/// One guest with random writers and an oracle in a process of its own, which does what standard input says:
/// <c>oracle-guest --socket PATH --name NAME --pages N --seed N [--engine signal|kernel] [--writers N]</c>.
/// </summary>
internal static class OracleGuestScenario
{
    public static int Run(ProbeArguments arguments)
    {
        var options = new GuestClientOptions
        {
            ReconnectMinimumDelay = TimeSpan.FromMilliseconds(10),
            ReconnectMaximumDelay = TimeSpan.FromMilliseconds(200),
        };
        using var client = GuestClient.Connect(arguments.Required("socket"), options);
        using var guest = client.Allocate(
            arguments.Required("name"),
            (long)arguments.Number("pages", 0) * PageContent.Bytes,
            new GuestOptions
            {
                Domain = arguments.Text("domain", "") is { Length: > 0 } domain ? domain : null,
                FaultMode = arguments.Engine,
            });
        using var writers = new RandomWriters(guest, arguments.Number("writers", 2), arguments.Number("seed", 1));
        using var storm = new CollectionStorm();
        var places = new ParkedPlaces();
        LineTalk.Serve(words => places.TryDo(words, out var answer) ? answer : Do(words, guest, writers, storm));
        return ProbeExit.Done;
    }

    private static string Do(string[] words, GuestMemory guest, RandomWriters writers, CollectionStorm storm)
    {
        switch (words[0])
        {
            case "start":
                writers.Start();
                return "";
            case "stop": // ends the writers and checks every byte
                writers.StopAndCheck();
                return writers.Operations.ToString(CultureInfo.InvariantCulture);
            case "operations":
                return writers.Operations.ToString(CultureInfo.InvariantCulture);
            case "check":
                writers.CheckAll();
                return "";
            case "rewrite": // NUMBER
                writers.Rewrite(long.Parse(words[1], CultureInfo.InvariantCulture));
                return "";
            case "touch": // BYTE: stores to every page, on a thread of its own that the next check waits for
                writers.Touch(byte.Parse(words[1], CultureInfo.InvariantCulture));
                return "";
            case "collect": // garbage collections from now on
                storm.Start();
                return "";
            case "collections":
                return GC.CollectionCount(2).ToString(CultureInfo.InvariantCulture);
            case "attached":
                return guest.IsAttached.ToString();
            case "refusal":
                return guest.Refusal ?? "";
            default:
                throw new ProbeFailedException($"There is no command '{words[0]}'.");
        }
    }
}
