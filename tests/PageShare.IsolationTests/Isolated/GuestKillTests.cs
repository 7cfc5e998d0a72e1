using System.Diagnostics;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// Guests die by SIGKILL, at random moments and wherever the page protocol can be stopped, while others of their domain
/// are written and shared: these lose nothing, and nothing is left of the dead.
/// </summary>
public sealed class GuestKillTests(VictimProgram program) : IDisposable, IClassFixture<VictimProgram>
{
    private const int Pages = 256;
    private const int KillsBetweenChecks = 25;

    private static readonly int Kills = KillCount.Of("PAGESHARE_GUEST_KILLS", usual: 150);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, BothModes]
    public void GuestsKilledAtRandomMomentsLeaveNothingAndHarmNobody(FaultMode mode)
    {
        var random = Seeds.Create();
        using var host = HostProcess.Start(_folder, KillCount.Limits);
        using var survivors = new OracleGuests(host.Socket, 2, Pages, mode);
        survivors.ShareExactly(host);
        using (var first = program.Start(host.Socket, "first", Pages, mode, 0))
        {
            first.Await(Victim.Attached);
        }

        survivors.ShareExactly(host);
        var traces = new HostTraces(host);
        for (var kill = 0; kill < Kills;)
        {
            survivors.StartWriters();
            for (var end = Math.Min(Kills, kill + KillsBetweenChecks); kill < end; kill++)
            {
                KillOne(host, mode, kill, random);
            }

            survivors.StopWritersAndCheck();
            survivors.ShareExactly(host);
            traces.AreGone();
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Kills} guests killed");
    }

    [Theory]
    [InlineData(FaultMode.Signal, TestPoint.OrderTaken)]
    [InlineData(FaultMode.Signal, TestPoint.OrderDone)]
    [InlineData(FaultMode.Signal, TestPoint.Claimed)]
    [InlineData(FaultMode.Signal, TestPoint.Sealed)]
    [InlineData(FaultMode.Signal, TestPoint.Compared)]
    [InlineData(FaultMode.Signal, TestPoint.Remapped)]
    [InlineData(FaultMode.Signal, TestPoint.Punched)]
    [InlineData(FaultMode.Signal, TestPoint.FaultEntered)]
    [InlineData(FaultMode.Signal, TestPoint.Waiting)]
    [InlineData(FaultMode.Signal, TestPoint.BreakClaimed)]
    [InlineData(FaultMode.Signal, TestPoint.BreakCopied)]
    [InlineData(FaultMode.Signal, TestPoint.BreakMapped)]
    [InlineData(FaultMode.Kernel, TestPoint.OrderTaken)]
    [InlineData(FaultMode.Kernel, TestPoint.OrderDone)]
    [InlineData(FaultMode.Kernel, TestPoint.Claimed)]
    [InlineData(FaultMode.Kernel, TestPoint.Sealed)]
    [InlineData(FaultMode.Kernel, TestPoint.Compared)]
    [InlineData(FaultMode.Kernel, TestPoint.Remapped)]
    [InlineData(FaultMode.Kernel, TestPoint.Punched)]
    [InlineData(FaultMode.Kernel, TestPoint.Waiting)]
    [InlineData(FaultMode.Kernel, TestPoint.SettleSealed)]
    public void AGuestKilledAtThisPointLeavesNothingAndHarmsNobody(FaultMode mode, TestPoint point)
    {
        using var host = HostProcess.Start(_folder, KillCount.Limits);
        using var survivors = new OracleGuests(host.Socket, 2, Pages, mode);
        survivors.ShareExactly(host);
        var traces = new HostTraces(host);
        for (var round = 0; round < 2; round++)
        {
            survivors.StartWriters();
            using var victim = program.Start(host.Socket, "victim", Pages, mode, Seeds.Seed + round, (int)point);
            victim.Await(Victim.Attached);
            victim.Await(Victim.Parked);

            // Others are served while it stands there, and its order is unanswered.
            var merges = host.Status().Engine.Totals.Merges;
            Until.True(() => host.Status().Engine.Totals.Merges > merges + 10, "others are merged");
            victim.Kill();
            survivors.StopWritersAndCheck();
            survivors.ShareExactly(host);
            traces.AreGone();
        }
    }

    private void KillOne(HostProcess host, FaultMode mode, int number, Random random)
    {
        using var victim = program.Start(host.Socket, $"victim-{number}", Pages, mode, random.Next());
        if (random.Next(4) != 0)
        {
            victim.Await(Victim.Attached);
        }

        // Some moment of the next milliseconds: what the test finds must be the same for each.
        var moment = TimeSpan.FromMicroseconds(random.Next(random.Next(2) == 0 ? 3_000 : 60_000));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < moment;)
        {
            Thread.Yield();
        }

        victim.Kill();
    }
}
