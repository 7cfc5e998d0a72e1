using PageShare.PageTable;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.ContractTests.Races;

/// <summary>Stores and breaks meet a break that stands at each of its points.</summary>
public sealed class ParkedBreakTests : ParkedEngine
{
    /// <summary>The points of a break.</summary>
    public static TheoryData<TestPoint> Points =>
        [TestPoint.BreakClaimed, TestPoint.BreakCopied, TestPoint.BreakMapped];

    /// <summary>The same, in either mode.</summary>
    public static TheoryData<TestPoint, FaultMode> PointsAndModes()
    {
        var data = new TheoryData<TestPoint, FaultMode>();
        foreach (var point in new[] { TestPoint.BreakClaimed, TestPoint.BreakCopied, TestPoint.BreakMapped })
        {
            data.Add(point, FaultMode.Signal);
            data.Add(point, FaultMode.Kernel);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void TwoWritersOnOnePageAreBothKept(TestPoint point)
    {
        PrepareShared(FaultMode.Signal);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(point, Victim);
        var first = Store(Joining, Victim, 5, 0xA5);
        gate.Await();
        var second = Store(Joining, Victim, 4000, 0x5A);
        if (point == TestPoint.BreakMapped)
        {
            second.Finish(); // the page is writable already
        }
        else
        {
            waiting.Await();
            Assert.False(second.IsDone);
        }

        TheRestGoesOn();
        gate.Open();
        first.Finish();
        second.Finish();
        Assert.Equal(2, Engine.Totals.CowFaults); // the other is that of TheRestGoesOn
        EndsWell();
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void AnotherGuestBreaksTheSameFrameAtTheSameTime(TestPoint point)
    {
        PrepareShared(FaultMode.Signal);
        using var gate = Gate.Stop(point, Victim);
        var writers = Engine.Guests.Select(static (guest, i) => Store(guest, Victim, 10 * i, (byte)(i + 1))).ToList();
        gate.Await(writers.Count); // all three stand in the middle of a break of one frame
        GC.Collect();
        gate.Open();
        writers.ForEach(static writer => writer.Finish());
        Engine.VerifyAll();
        Assert.Equal(writers.Count, Engine.Totals.CowFaults);
        EndsWell();
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void AFrameIsNotFreedUnderABreakThatCopiesFromIt(TestPoint point)
    {
        PrepareShared(FaultMode.Signal);
        Settled.Write(Victim, 0, 1);
        Other.Write(Victim, 0, 2); // the third guest is the frame's last user
        using var gate = Gate.Stop(point, Victim);
        var writer = Store(Joining, Victim, 5, 0xA5);
        gate.Await();
        Joining.Write(Pages - 1, 9, 9); // so that no pass passes the guest over
        Engine.Scan();
        _ = Engine.Engine.Snapshot();
        Engine.Scan(); // neither frees the frame: the page's word names it
        Assert.True(PageContent.Unique(Victim + 1).IsIn(Joining[Victim]));
        gate.Open();
        writer.Finish();
        EndsWell();
    }

    [Theory]
    [MemberData(nameof(PointsAndModes))]
    public void AWriteDuringABreakOfItsRangeIsKept(TestPoint point, FaultMode mode)
    {
        PrepareShared(mode);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(point, First);
        var breaking = Actor.Start("breaking thread", () => Joining.Guest.EnsureWritable(
            First * PageContent.Bytes, 8 * PageContent.Bytes));
        gate.Await();
        var writer = Store(Joining, Victim, 5, 0xA5);
        var passes = point == TestPoint.BreakMapped // writable already, or still, where the kernel makes the copy
            || (point == TestPoint.BreakClaimed && mode == FaultMode.Kernel);
        if (passes)
        {
            writer.Finish();
        }
        else
        {
            waiting.Await();
            Assert.False(writer.IsDone);
        }

        TheRestGoesOn();
        gate.Open();
        breaking.Finish();
        writer.Finish();
        Assert.Equal(PageState.Private, StateOfJoining(Victim));
        EndsWell();
    }

    [Theory]
    [MemberData(nameof(PointsAndModes))]
    public void APassThatMeetsABreakLeavesItAlone(TestPoint point, FaultMode mode)
    {
        PrepareShared(mode);
        using var gate = Gate.Stop(point, Victim);
        var breaking = Actor.Start("breaking thread", () => Joining.Guest.EnsureWritable(
            Victim * PageContent.Bytes, PageContent.Bytes));
        gate.Await();
        Assert.Equal(PageState.Breaking, StateOfJoining(Victim));
        Engine.Scan();
        Engine.Scan();
        Assert.Equal(PageState.Breaking, StateOfJoining(Victim));
        Assert.Equal(0, Engine.Totals.MergesAbandoned);
        gate.Open();
        breaking.Finish();
        EndsWell();
    }

    [Theory]
    [MemberData(nameof(PointsAndModes))]
    public void TwoBreaksOfOneRangeMeet(TestPoint point, FaultMode mode)
    {
        PrepareShared(mode);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(point, First);
        var first = Actor.Start("first", () => Joining.Guest.EnsureWritable(
            First * PageContent.Bytes, 8 * PageContent.Bytes));
        gate.Await();
        var second = Actor.Start("second", Joining.Guest.Unshare);
        waiting.Await();
        gate.Open();
        first.Finish();
        second.Finish();
        Assert.All(Enumerable.Range(0, Pages), page => Assert.Equal(PageState.Private, StateOfJoining(page)));
        EndsWell();
    }

    [Fact]
    public void AWriteThatMeetsTheSettlingOfACopyWaitsAndIsKept()
    {
        PrepareShared(FaultMode.Kernel);
        Joining.Write(Victim, 0, 1);
        MeetsSettling(0xA5);
        Assert.Equal(PageState.Private, StateOfJoining(Victim)); // it was brought home
        EndsWell();
    }

    [Fact]
    public void AWriteThatMeetsTheDroppingOfACopyThatEqualsItsFrameWaitsAndIsKept()
    {
        PrepareShared(FaultMode.Kernel);
        var before = Joining[Victim][5];
        Joining.Write(Victim, 5, (byte)~before);
        Joining.Write(Victim, 5, before);
        MeetsSettling((byte)~before);
        Assert.Equal(PageState.KernelShared, StateOfJoining(Victim)); // dropped, and broken anew by the write
        EndsWell();
    }

    private void MeetsSettling(byte value)
    {
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(TestPoint.SettleSealed, Victim);
        var scan = ParkScan(gate);
        var writer = Store(Joining, Victim, 5, value);
        waiting.Await();
        TheRestGoesOn();
        Assert.False(writer.IsDone);
        gate.Open();
        scan.Finish();
        writer.Finish();
        Assert.Equal(value, Joining[Victim][5]);
    }
}
