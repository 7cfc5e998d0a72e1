using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// Honest guests, each in a process of its own with random writers and an oracle, of one share domain: what must be
/// unharmed, and what is counted exactly, whatever happens to others.
/// </summary>
internal sealed class OracleGuests : IDisposable
{
    // Many times more than any page is left alone for.
    private const int MostPasses = 500;
    private const int MostCollisions = 4;

    private readonly List<TalkingProcess> _guests = [];
    private readonly int _pages;
    private long _lastContent;

    /// <param name="socket">Of their host.</param>
    /// <param name="count">How many.</param>
    /// <param name="pages">Pages of each.</param>
    /// <param name="mode">Fault mode.</param>
    /// <param name="domain">Share domain; empty for the default.</param>
    public OracleGuests(string socket, int count, int pages, FaultMode mode, string domain = "")
    {
        _pages = pages;
        try
        {
            for (var i = 0; i < count; i++)
            {
                _guests.Add(TalkingProcess.Start(new ProbeCommand(
                    "oracle-guest", "--socket", socket, "--name", NameOf(i), "--pages", Text(pages), "--engine",
                    mode.ToString(), "--seed", Text(Seeds.Seed + i), "--domain", domain)));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<TalkingProcess> All => _guests;

    /// <summary>The name of the one that was started at this place.</summary>
    public static string NameOf(int place) => $"honest-{Text(place)}";

    /// <summary>Lets all writers begin, or go on.</summary>
    public void StartWriters() => Each("start");

    /// <summary>Stops all writers; each checks every byte of its guest.</summary>
    public void StopWritersAndCheck() => Each("stop");

    /// <summary>Has all do something at the same time.</summary>
    public void Each(string command)
    {
        _guests.ForEach(guest => guest.Say(command));
        _guests.ForEach(guest => _ = guest.Hear(command));
    }

    /// <summary>
    /// With all writers stopped: all guests are given the same new contents, a different one on each page. What must be
    /// shared then, and nothing else, is known exactly; the kernel's count of the stores must be that as well.
    /// </summary>
    public void ShareExactly(HostProcess host)
    {
        RewriteAll();
        AreExact(host);
        Each("check");
    }

    /// <summary>Gives all guests the same new contents, a different one on each page. Nobody may be writing.</summary>
    public void RewriteAll() => Each($"rewrite {Text(++_lastContent)}");

    /// <summary>
    /// Waits until all guests share all their pages, and every count is what follows from that. By passes, not by time:
    /// pages that were written often are left alone for some, and a pass takes long on a busy machine.
    /// </summary>
    public void AreExact(HostProcess host)
    {
        for (var pass = 0; !IsExact(host); pass++)
        {
            if (pass == MostPasses)
            {
                Assert.Fail(Describe(host));
            }

            var passes = PassesOf(host);
            Until.True(() => PassesOf(host) > passes || IsExact(host), "the host makes another pass");
        }
    }

    /// <summary>Ends one at whatever instruction it is; the others remain.</summary>
    public void Kill(TalkingProcess guest)
    {
        guest.Kill();
        guest.Dispose();
        _guests.Remove(guest);
    }

    public void Dispose() => _guests.ForEach(static guest => guest.Dispose());

    private static long PassesOf(HostProcess host) => host.Status().Engine.Totals.FullScans;

    /// <summary>What the host says of its guests, for messages.</summary>
    public static string Describe(HostProcess host)
    {
        var status = host.Status();
        var totals = status.Engine.Totals;
        var log = host.Log; // it may grow
        return $"{status.Engine.Guests.Length} guests of {status.Processes.Count} processes ({string.Join(", ",
            status.Processes.Select(static p => $"{p.Name}: {p.State}, {p.PagesToMove} to move"))}), shared "
            + $"{totals.PagesShared}, sharing {totals.PagesSharing} ({string.Join(", ", status.Engine.Guests.Select(
                static guest => $"{guest.Name}: {guest.Counters.PagesSharing}"))}), total {totals.PagesTotal}, populated "
            + $"{totals.PagesPopulated}, zero {totals.ZeroPages}, volatile {totals.PagesVolatile}; the stores have "
            + $"{MemoryObjects.PagesOf(MemoryObjects.Stores, host.ProcessId)} pages. "
            + $"{string.Join(' ', status.Engine.Warnings)}\n{log[^Math.Min(log.Length, 3000)..]}";
    }

    private bool IsExact(HostProcess host)
    {
        var status = host.Status();
        var totals = status.Engine.Totals;
        var guests = status.Engine.Guests;

        // A content that has the hash of another stays unshared, and the host counts those. Hashes have 32 bits: of
        // 40,000 contents two have the same in one run of six.
        var expected = totals.HashCollisions == 0
            ? _pages
            : Math.Clamp(totals.PagesShared, _pages - MostCollisions, _pages);
        return guests.Length == _guests.Count
            && status.Processes.Count == _guests.Count
            && totals.PagesShared == expected
            && totals.PagesSharing == expected * (_guests.Count - 1)
            && totals.PagesTotal == (long)_pages * _guests.Count
            && totals.PagesPopulated == (long)_pages * _guests.Count
            && guests.Sum(static guest => guest.Counters.PagesSharing) == totals.PagesSharing
            && MemoryObjects.PagesOf(MemoryObjects.Stores, host.ProcessId) == expected;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
