using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// Guest processes with random writers, each against its own oracle, while the host scans; in the guests and in the
/// host one garbage collection follows the other.
/// </summary>
public sealed class RandomWriterTests : IDisposable
{
    private const int Guests = 4;
    private const int Pages = 384;

    private static readonly long Operations = KillCount.Of("PAGESHARE_WRITER_OPERATIONS", usual: 20_000);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, BothModes]
    public void EveryByteIsWhatItsWriterWroteLast(FaultMode mode) => Run(mode, collect: false);

    [Theory, BothModes]
    public void EveryByteIsRightWhileGuestsAndHostCollectGarbage(FaultMode mode) => Run(mode, collect: true);

    private void Run(FaultMode mode, bool collect)
    {
        _ = Seeds.Create();

        // A first generation of 16 KiB: the host collects about as often as it answers.
        string[] wrapper = collect ? ["/usr/bin/env", "DOTNET_GCgen0size=0x4000"] : [];
        using var host = HostProcess.Start(_folder, KillCount.Limits, null, wrapper);
        using var guests = new OracleGuests(host.Socket, Guests, Pages, mode);
        if (collect)
        {
            guests.Each("collect");
        }

        for (var round = 0; round < 2; round++)
        {
            var before = host.Status().Engine.Totals;
            guests.StartWriters();
            var goal = (round + 1) * Operations;
            Until.True(() => guests.All.All(guest => Count(guest, "operations") >= goal), "all have written enough");
            Until.True(
                () => host.Status().Engine.Totals.Merges >= before.Merges + 1000
                    && host.Status().Engine.Totals.FullScans > before.FullScans + 3,
                "enough was merged meanwhile");
            guests.StopWritersAndCheck();
            guests.ShareExactly(host);
        }

        if (collect)
        {
            Assert.All(guests.All, static guest => Assert.True(Count(guest, "collections") > 10));
        }
    }

    private static long Count(TalkingProcess guest, string what) =>
        long.Parse(guest.Do(what), CultureInfo.InvariantCulture);
}
