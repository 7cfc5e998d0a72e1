using System.Globalization;
using PageShare.Bench.Memory;

namespace PageShare.Workloads.Isolated;

/// <summary>
/// The process of a guest: <c>isolated-guest SOCKET NAME BYTES FAULT-MODE</c>. Then, line by line: <c>runs PAGES
/// RUN</c>, <c>touch</c>, <c>break SEED</c>, <c>first-touch</c>; or <c>mix NUMBER GUESTS PAGES RUN SEED</c> and
/// <c>check</c>.
/// </summary>
internal sealed unsafe class GuestProgram
{
    /// <summary>What starts it.</summary>
    public const string Verb = "isolated-guest";

    private readonly GuestMemory _guest;
    private LoneRuns? _runs;
    private GuestMix? _mix;
    private int _number;

    private GuestProgram(GuestMemory guest) => _guest = guest;

    /// <summary>Runs it until its input ends.</summary>
    public static int Run(string[] arguments)
    {
        using var client = GuestClient.Connect(arguments[0]);
        using var guest = client.Allocate(
            arguments[1],
            Number(arguments[2]),
            new GuestOptions { MaximumBytes = Number(arguments[2]), FaultMode = Enum.Parse<FaultMode>(arguments[3]) });
        ChildProgram.Serve(new GuestProgram(guest).Do);
        return 0;
    }

    /// <summary>Reads what <c>break</c> and <c>first-touch</c> answer.</summary>
    public static StoreTimes Read(string answer)
    {
        var words = answer.Split(' ');
        return new StoreTimes(Number(words[0]), Number(words[1]));
    }

    // SAFETY: the guest lives as long as this process, and has the bytes that it was asked for.
    private string Do(string[] words)
    {
        switch (words[0])
        {
            case "runs":
                _runs = new LoneRuns((int)Number(words[1]), (int)Number(words[2]));
                _runs.Fill(_guest.Pointer);
                return "";
            case "touch":
                _runs!.Touch(_guest.Pointer);
                return "";
            case "break":
                return Text(_runs!.TimeStores(_guest.Pointer, (ulong)Number(words[1])));
            case "first-touch":
                return Text(_runs!.TimeFirstTouches());
            case "mix":
                _number = (int)Number(words[1]);
                _mix = new GuestMix(
                    (int)Number(words[2]), (int)Number(words[3]), (int)Number(words[4]), (ulong)Number(words[5]));
                GuestSet.Fill(_guest.Pointer, _number, _mix);
                return "";
            case "check": // how many pages do not hold what was written to them
                return GuestSet.CountWrong(_guest.Pointer, _number, _mix!).ToString(CultureInfo.InvariantCulture);
            default:
                throw new ArgumentException($"There is no '{words[0]}'.");
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(StoreTimes times) =>
        string.Create(CultureInfo.InvariantCulture, $"{times.P50Nanoseconds} {times.P99Nanoseconds}");
}
