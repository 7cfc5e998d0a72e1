using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Races;

/// <summary>A guest is freed while a merge, a settling or a break of its pages is under way.</summary>
/// <remarks>
/// A store that is under way when its guest is freed, with nothing to keep the memory, ends in an access violation as
/// it should, and the process with it: that is for tests in child processes. Here pins keep the memory under stores.
/// </remarks>
public sealed class ParkedFreeTests : ParkedEngine
{
    /// <summary>The points of a merge, in either mode.</summary>
    public static TheoryData<TestPoint, FaultMode> MergePoints() => InBothModes(
        TestPoint.Claimed, TestPoint.Sealed, TestPoint.Compared, TestPoint.Remapped, TestPoint.Punched);

    /// <summary>The points of a break, in either mode.</summary>
    public static TheoryData<TestPoint, FaultMode> BreakPoints() => InBothModes(
        TestPoint.BreakClaimed, TestPoint.BreakCopied, TestPoint.BreakMapped);

    [Theory]
    [MemberData(nameof(MergePoints))]
    public void FreeDuringAMergeWaitsForIt(TestPoint point, FaultMode mode)
    {
        Prepare(mode);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        FreesWhenOpened(gate, Joining, scan);
    }

    [Theory]
    [MemberData(nameof(MergePoints))]
    public void FreeOfAnotherUserDuringAMergeWaitsForIt(TestPoint point, FaultMode mode)
    {
        Prepare(mode);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        FreesWhenOpened(gate, Settled, scan);
    }

    [Fact]
    public void FreeDuringSettlingWaitsForIt()
    {
        PrepareShared(FaultMode.Kernel);
        Joining.Write(Victim, 0, 1);
        using var gate = Gate.Stop(TestPoint.SettleSealed, Victim);
        var scan = ParkScan(gate);
        FreesWhenOpened(gate, Joining, scan);
    }

    [Theory]
    [MemberData(nameof(BreakPoints))]
    public void FreeDuringABreakLeavesTheMemoryToTheEndOfIt(TestPoint point, FaultMode mode)
    {
        PrepareShared(mode);
        using var gate = Gate.Stop(point, First);
        var breaking = Actor.Start("breaking thread", () => Joining.Guest.EnsureWritable(
            First * PageContent.Bytes, 8 * PageContent.Bytes));
        gate.Await();
        Joining.Guest.Dispose();
        Assert.NotEqual(0, MemoryObjects.Names.Count(static name => name == "pageshare-guest:joining"));
        Assert.Equal(2, Engine.Engine.Guests.Count);
        Engine.Scan();
        gate.Open();
        breaking.Finish();
        IsGone(Joining);
    }

    [Theory]
    [InlineData(TestPoint.BreakClaimed)]
    [InlineData(TestPoint.BreakCopied)]
    [InlineData(TestPoint.BreakMapped)]
    public unsafe void FreeDuringAStoreKeepsTheMemoryThatAPinHolds(TestPoint point)
    {
        PrepareShared(FaultMode.Signal);
        var bytes = Joining.AddressOf(Victim);
        var pin = Joining.Guest.PinWritable(0, 1);
        using var gate = Gate.Stop(point, Victim);
        var writer = Store(Joining, Victim, 5, 0xA5);
        gate.Await();
        Joining.Guest.Dispose();
        Engine.Scan();
        gate.Open();
        writer.Finish();
        Assert.Equal(0xA5, bytes[5]);
        pin.Dispose();
        IsGone(Joining);
    }

    [Theory]
    [MemberData(nameof(MergePoints))]
    public void EndOfTheEngineDuringAPassWaitsForTheMerge(TestPoint point, FaultMode mode)
    {
        Prepare(mode);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        var end = Actor.Start("ending thread", Engine.Engine.Dispose);
        end.AwaitSleep();
        Assert.False(end.IsDone);
        gate.Open();
        scan.Finish();
        end.Finish();
        Assert.Empty(MemoryObjects.Names);
    }

    private static TheoryData<TestPoint, FaultMode> InBothModes(params TestPoint[] points)
    {
        var data = new TheoryData<TestPoint, FaultMode>();
        foreach (var point in points)
        {
            data.Add(point, FaultMode.Signal);
            data.Add(point, FaultMode.Kernel);
        }

        return data;
    }

    private void FreesWhenOpened(Gate gate, OracleGuest guest, Actor scan)
    {
        var free = Actor.Start("freeing thread", guest.Guest.Dispose);
        free.AwaitSleep();
        Assert.False(free.IsDone);
        gate.Open();
        scan.Finish();
        free.Finish();
        IsGone(guest);
    }

    // Its memory is, and what the others hold and share is right; when they have gone as well, so has the domain.
    private void IsGone(OracleGuest guest)
    {
        Assert.DoesNotContain($"pageshare-guest:{guest.Guest.Name}", MemoryObjects.Names);
        Assert.DoesNotContain(guest.Guest, Engine.Engine.Guests);
        Engine.VerifyAll();
        Engine.Converge();
        Engine.VerifyAll();
        foreach (var left in Engine.Engine.Guests)
        {
            left.Dispose();
        }

        Assert.Empty(MemoryObjects.Names);
    }
}
