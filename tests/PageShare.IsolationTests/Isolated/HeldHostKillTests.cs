using PageShare.Platform;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// The host dies by SIGKILL just while somebody stands at a named point: a guest's agent in the middle of an order, a
/// guest's writer in the middle of a break, or the host itself on an order's way. Nobody loses a byte, the next host
/// takes over with exact counts, and nothing is left of the one before.
/// </summary>
public sealed class HeldHostKillTests : IDisposable
{
    // Many times more than any page is left alone for.
    private const int MostPasses = 500;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, BothModes]
    public void AHostKilledWhileAnAgentStandsInAMergeLosesNothing(FaultMode mode)
    {
        TestPoint[] points =
        [
            TestPoint.OrderTaken, TestPoint.Claimed, TestPoint.Sealed, TestPoint.Compared, TestPoint.Remapped,
            TestPoint.Punched, TestPoint.OrderDone,
        ];
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var point in points)
        {
            hosts.RewriteWithVictimPaused();
            Hold(hosts, point);
            hosts.Control(ControlAction.Resume);
            LoseHostWhileHeld(hosts, point);
        }
    }

    [Fact]
    public void AHostKilledWhileAnAgentBringsBrokenPagesHomeLosesNothing()
    {
        using var hosts = new HostSuccession(_folder, FaultMode.Kernel);
        Hold(hosts, TestPoint.SettleSealed);
        hosts.Victim.Do("touch 1");
        LoseHostWhileHeld(hosts, TestPoint.SettleSealed);
    }

    [Theory, BothModes]
    public void AHostKilledWhileAnAgentStandsInAnUnshareOrderLosesNothing(FaultMode mode)
    {
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var point in (TestPoint[])[TestPoint.BreakClaimed, TestPoint.BreakCopied, TestPoint.BreakMapped])
        {
            Hold(hosts, point);
            var unshared = hosts.UnshareVictim();
            LoseHostWhileHeld(hosts, point);
            unshared.Finish();
        }
    }

    [Fact]
    public void AHostKilledWhileAWriterStandsInABreakLosesNothing()
    {
        TestPoint[] points =
            [TestPoint.FaultEntered, TestPoint.BreakClaimed, TestPoint.BreakCopied, TestPoint.BreakMapped];
        using var hosts = new HostSuccession(_folder, FaultMode.Signal);
        foreach (var point in points)
        {
            Hold(hosts, point);
            hosts.Victim.Do("touch 1");
            LoseHostWhileHeld(hosts, point);
        }
    }

    [Theory, BothModes]
    public void AHostKilledWhileAWriterWaitsForASealedPageLosesNothing(FaultMode mode)
    {
        using var hosts = new HostSuccession(_folder, mode);
        hosts.RewriteWithVictimPaused();
        Hold(hosts, TestPoint.Sealed);
        Hold(hosts, TestPoint.Waiting);
        hosts.Control(ControlAction.Resume);
        Await(hosts, TestPoint.Sealed);
        hosts.Victim.Do("touch 1");
        LoseHostWhileHeld(hosts, TestPoint.Waiting, TestPoint.Sealed);
    }

    [Theory, BothModes]
    public void AHostKilledWhileAnAgentMovesPagesToItsStoreLosesNothing(FaultMode mode)
    {
        TestPoint[] points =
            [TestPoint.MoveClaimed, TestPoint.MoveSealed, TestPoint.MoveCompared, TestPoint.MoveMapped];
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var point in points)
        {
            Hold(hosts, point);
            hosts.Succeed();
            LoseHostWhileHeld(hosts, point);
        }
    }

    [Theory, BothModes]
    public void AHostKilledAtAnyStepOfAnOrderLosesNothing(FaultMode mode)
    {
        OrderKind[] kinds = mode == FaultMode.Kernel
            ? [OrderKind.Merge, OrderKind.Break, OrderKind.FindWritten, OrderKind.FindCopies, OrderKind.Settle]
            : [OrderKind.Merge, OrderKind.Break, OrderKind.FindWritten, OrderKind.Health];
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var kind in kinds)
        {
            foreach (var point in StepsOfAnOrder)
            {
                Say($"{kind} {point}");
                hosts.Host.Park(point, (int)kind);
                hosts.Guests.StartWriters();
                var unshared = kind == OrderKind.Break ? hosts.UnshareVictim() : null;
                Until.True(() => hosts.Host.IsParked(point), $"the host stands at {point} of {kind}");
                hosts.Succeed();
                unshared?.Finish();
                hosts.IsWhole();
            }
        }
    }

    [Theory, BothModes]
    public void AHostKilledAtAnyStepOfAMoveToItsStoreLosesNothing(FaultMode mode)
    {
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var point in StepsOfAnOrder)
        {
            Say($"{point}");
            hosts.SucceedUnseen();
            hosts.Host.Park(point, (int)OrderKind.Move);
            foreach (var guest in hosts.Guests.All)
            {
                guest.Continue();
            }

            Until.True(() => hosts.Host.IsParked(point), $"the host stands at {point} of a move");
            hosts.Succeed();
            hosts.IsWhole();
        }
    }

    [Theory, BothModes]
    public void AHostKilledWhileItFillsOrFreesFramesLosesNothing(FaultMode mode)
    {
        using var hosts = new HostSuccession(_folder, mode);
        foreach (var step in Enum.GetValues<MemoryStep>())
        {
            Say($"{step}");
            hosts.Host.Park(step);
            hosts.Guests.StartWriters();
            Until.True(() => hosts.Host.IsParked(step), $"the host stands at {step}");
            hosts.Succeed();
            hosts.IsWhole();
        }
    }

    private static TestPoint[] StepsOfAnOrder => [TestPoint.OrderWritten, TestPoint.OrderPosted, TestPoint.AnswerSeen];

    private static void Hold(HostSuccession hosts, TestPoint point)
    {
        Say($"{point}");
        hosts.Victim.Do($"park {point}");
    }

    /// <summary>By passes, not by time: pages that were written often are left alone for some, and a pass takes long on
    /// a busy machine.</summary>
    private static void Await(HostSuccession hosts, TestPoint point)
    {
        for (var pass = 0; !IsHeld(hosts, point); pass++)
        {
            if (pass == MostPasses)
            {
                Assert.Fail($"Nobody comes to {point}. {OracleGuests.Describe(hosts.Host)}");
            }

            var passes = hosts.Host.Status().Engine.Totals.FullScans;
            Until.True(
                () => IsHeld(hosts, point) || hosts.Host.Status().Engine.Totals.FullScans > passes,
                "the host makes another pass");
        }
    }

    private static bool IsHeld(HostSuccession hosts, TestPoint point) =>
        bool.Parse(hosts.Victim.Do($"parked {point}"));

    /// <summary>
    /// Once the victim stands at the first point the host dies, and another serves the other guests; then all points are
    /// opened.
    /// </summary>
    private static void LoseHostWhileHeld(HostSuccession hosts, params TestPoint[] points)
    {
        Await(hosts, points[0]);
        hosts.Succeed();
        foreach (var other in hosts.Others)
        {
            other.Do("start");
        }

        var host = hosts.Host;
        Until.True(() => host.Status().Engine.Totals.Merges > 0, "the others are merged by the new host");
        foreach (var point in points)
        {
            hosts.Victim.Do($"open {point}");
        }

        hosts.IsWhole();
    }

    /// <summary>Where a test was that failed.</summary>
    private static void Say(string where) => TestContext.Current.TestOutputHelper?.WriteLine(where);
}
