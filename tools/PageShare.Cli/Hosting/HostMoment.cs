using PageShare.Metrics;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Hosting;

/// <summary>A host's counters now, and if they are known, some time ago: what it does in a second.</summary>
/// <param name="Now">The counters.</param>
/// <param name="Before">Earlier ones of the same host; null for none.</param>
/// <param name="Elapsed">The time between.</param>
internal sealed record HostMoment(StatusAnswer Now, StatusAnswer? Before, TimeSpan Elapsed = default)
{
    /// <summary>The share of a core that scanning takes; null if unknown.</summary>
    public double? ScannerShare => Before is { } before && before.HostId == Now.HostId && Elapsed > TimeSpan.Zero
        ? Math.Max(0, Now.Engine.Totals.ScanCpuSeconds - before.Engine.Totals.ScanCpuSeconds) / Elapsed.TotalSeconds
        : null;

    /// <summary>Pages of a guest that were scanned in a second; null if unknown.</summary>
    public double? ScanRateOf(string guest)
    {
        long? now = ScannedOf(Now, guest);
        return Before is { } before && before.HostId == Now.HostId && Elapsed > TimeSpan.Zero
            ? Math.Max(0, (now - ScannedOf(before, guest) ?? 0) / Elapsed.TotalSeconds)
            : null;
    }

    /// <summary>The process of a guest; null if the host doesn't say.</summary>
    public GuestProcess? ProcessOf(string guest) => Now.Processes.FirstOrDefault(process => process.Name == guest);

    private static long? ScannedOf(StatusAnswer status, string guest) =>
        Find(status.Engine.Guests, guest)?.Counters.PagesScanned;

    private static GuestSnapshot? Find(GuestSnapshot[] guests, string name) => Array.Find(guests, guest => guest.Name == name);
}
