using System.Globalization;
using PageShare.CrashProbe.Isolated;

namespace PageShare.CrashProbe.Hostile;

/// <summary>
/// A client of a real host that means harm, and does what standard input says:
/// <c>hostile-guest --socket PATH --host PID --seed N [--domain D] [--engine signal|kernel]</c>. Its answers say what
/// the kernel or the host let it do; whether others were harmed is for the test to find out.
/// </summary>
internal static class HostileGuestScenario
{
    public static int Run(ProbeArguments arguments)
    {
        var socket = arguments.Required("socket");
        var domain = arguments.Text("domain", "") is { Length: > 0 } named ? named : null;
        var host = arguments.Number("host", 0);
        var random = new Random(arguments.Number("seed", 1));
        using var guest = RawGuest.Allocate(socket, "hostile", pages: 256, domain, arguments.Engine);
        var forger = new Forger(guest, random);
        LineTalk.Serve(words => words[0] switch
        {
            "write-store" => StoreAttacks.TryAll(guest, host),
            "mutilate" => MemoryAttacks.Mutilate(guest),
            "read-holes" => MemoryAttacks.ReadHoles(guest),
            "forge" => Begin(forger),
            "forged" => forger.Answered.ToString(CultureInfo.InvariantCulture),
            "forge-end" => End(forger),
            "claim" => new Claims(socket, guest).TryAll(words[1..]),
            "garbage" => new GarbageFrames(socket, random).Send(int.Parse(words[1], CultureInfo.InvariantCulture)),
            "resume" => new ForgedResumes(socket, guest).TryAll(),
            "resume-lies" => ForgedResumes.WithLies(words[1], random, guest),
            "flood" => Floods.Allocate(guest, int.Parse(words[1], CultureInfo.InvariantCulture)),
            _ => throw new ProbeFailedException($"There is no command '{words[0]}'."),
        });
        return ProbeExit.Done;
    }

    private static string Begin(Forger forger)
    {
        forger.Start();
        return "";
    }

    private static string End(Forger forger)
    {
        forger.Dispose();
        return "";
    }
}
