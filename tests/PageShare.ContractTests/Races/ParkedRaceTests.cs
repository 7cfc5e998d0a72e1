using PageShare.PageTable;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.ContractTests.Races;

/// <summary>A store meets a merge that stands at each of its points.</summary>
public sealed class ParkedRaceTests : ParkedEngine
{
    [Theory, BothModes]
    public void WriteBetweenHashAndSealAbandonsTheMergeOfThatPageAlone(FaultMode mode)
    {
        Prepare(mode);
        using var gate = Gate.Stop(TestPoint.Claimed, First);
        var scan = ParkScan(gate);

        Store(Joining, Victim, 5, 0xA5).Finish(); // still writable: it does not wait
        TheRestGoesOn();
        gate.Open();
        scan.Finish();

        Assert.Equal(PageState.Private, StateOfJoining(Victim));
        Assert.True(PageStates.IsShared(StateOfJoining(Victim - 1)));
        Assert.True(PageStates.IsShared(StateOfJoining(Victim + 1)));
        EndsWell();
    }

    [Theory, BothModes]
    public void WriteBetweenSealAndCompareWaitsAndIsKept(FaultMode mode) => WriteWaitsAt(TestPoint.Sealed, mode);

    [Theory, BothModes]
    public void WriteBetweenCompareAndRemapWaitsAndIsKept(FaultMode mode) => WriteWaitsAt(TestPoint.Compared, mode);

    [Fact]
    public void WriteDuringRemapWaitsAndIsKept() => WriteWaitsAt(TestPoint.Remapped, FaultMode.Signal);

    [Fact]
    public void WriteBeforeCommitWaitsAndIsKept() => WriteWaitsAt(TestPoint.Punched, FaultMode.Signal);

    [Theory]
    [InlineData(TestPoint.Remapped)]
    [InlineData(TestPoint.Punched)]
    public void InKernelModeAWriteAfterTheRemapDoesNotWaitAndIsKept(TestPoint point)
    {
        Prepare(FaultMode.Kernel);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        Store(Joining, Victim, 5, 0xA5).Finish(); // the kernel copies, whatever the word says
        TheRestGoesOn();
        gate.Open();
        scan.Finish();
        EndsWell();
    }

    [Theory]
    [InlineData(TestPoint.Sealed, FaultMode.Signal)]
    [InlineData(TestPoint.Sealed, FaultMode.Kernel)]
    [InlineData(TestPoint.Compared, FaultMode.Signal)]
    [InlineData(TestPoint.Compared, FaultMode.Kernel)]
    [InlineData(TestPoint.Remapped, FaultMode.Signal)]
    [InlineData(TestPoint.Remapped, FaultMode.Kernel)]
    [InlineData(TestPoint.Punched, FaultMode.Signal)]
    [InlineData(TestPoint.Punched, FaultMode.Kernel)]
    public void AWriteToAZeroPageThatIsBeingPunchedWaitsAndIsKept(TestPoint point, FaultMode mode)
    {
        Prepare(mode, joining: PageContent.Zero);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        var writer = Store(Joining, Victim, 5, 0xA5);
        waiting.Await();
        TheRestGoesOn();
        Assert.False(writer.IsDone);
        gate.Open();
        scan.Finish();
        writer.Finish();
        Assert.Equal(0xA5, Joining[Victim][5]);
        EndsWell();
    }

    [Theory, BothModes]
    public void AWriteToAZeroPageBeforeItsSealKeepsItFromBeingPunched(FaultMode mode)
    {
        Prepare(mode, joining: PageContent.Zero);
        using var gate = Gate.Stop(TestPoint.Claimed, First);
        var scan = ParkScan(gate);
        Store(Joining, Victim, 5, 0xA5).Finish();
        gate.Open();
        scan.Finish();
        Assert.Equal(PageState.Private, StateOfJoining(Victim));
        Assert.Equal(PageState.Zero, StateOfJoining(Victim + 1));
        EndsWell();
    }

    [Theory, BothModes]
    public void SeveralWritersOfTheRunAllWaitAndAllAreKept(FaultMode mode)
    {
        Prepare(mode);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(TestPoint.Sealed, First);
        var scan = ParkScan(gate);
        var writers = Enumerable.Range(0, 4)
            .Select(i => Store(Joining, First + (2 * i), 100 + i, (byte)(200 + i)))
            .ToList();
        writers.Add(Store(Joining, First, 4000, 99)); // the second on that page
        waiting.Await(writers.Count);
        TheRestGoesOn();
        gate.Open();
        scan.Finish();
        writers.ForEach(static writer => writer.Finish());
        EndsWell();
    }

    [Theory, BothModes]
    public void APinThatMeetsASealWaitsAndGetsThePagePrivate(FaultMode mode)
    {
        Prepare(mode);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(TestPoint.Sealed, First);
        var scan = ParkScan(gate);
        WritablePin? pin = null;
        var pinning = Actor.Start(
            "pinning thread", () => pin = Joining.Guest.PinWritable(Victim * PageContent.Bytes, PageContent.Bytes));
        waiting.Await();
        gate.Open();
        scan.Finish();
        pinning.Finish();

        Assert.Equal(PageState.Private, StateOfJoining(Victim));
        Engine.Converge();
        Assert.Equal(PageState.Private, StateOfJoining(Victim)); // as long as the pin lasts
        pin!.Dispose();
        Engine.Converge();
        Assert.True(PageStates.IsShared(StateOfJoining(Victim)));
        EndsWell();
    }

    [Theory, BothModes]
    public void UnshareThatMeetsAMergeWaitsForItAndUndoesIt(FaultMode mode)
    {
        Prepare(mode);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(TestPoint.Compared, First);
        var scan = ParkScan(gate);
        var unshare = Actor.Start("unsharing thread", Joining.Guest.Unshare);
        waiting.Await();
        gate.Open();
        scan.Finish();
        unshare.Finish();
        Assert.All(Enumerable.Range(0, Pages), page => Assert.Equal(PageState.Private, StateOfJoining(page)));
        EndsWell();
    }

    [Theory, BothModes]
    public void AWriteToOneOfAPairWhileTheOtherIsMergedLeavesNoFrameWithASingleUser(FaultMode mode)
    {
        Prepare(mode);
        var pair = new[] { "left", "right" }
            .Select(name => Engine.AddGuest(name, 1, static _ => PageContent.Unique(7000)))
            .ToArray();
        Engine.Scan();
        using var gate = Gate.Stop(TestPoint.Punched, page: 0);
        var scan = ParkScan(gate);
        var later = Assert.Single(pair, static guest => EngineBooks.StateOf(guest, 0) == PageState.Private);
        Store(later, 0, 9, 9).Finish();
        gate.Open();
        scan.Finish();

        Assert.All(pair, static guest => Assert.Equal(PageState.Private, EngineBooks.StateOf(guest, 0)));
        EndsWell();
    }

    [Theory, BothModes]
    public void ReadersNeverWait(FaultMode mode)
    {
        for (var point = TestPoint.Claimed; point <= TestPoint.Punched; point++)
        {
            Prepare(mode);
            using var gate = Gate.Stop(point, First);
            var scan = ParkScan(gate);
            Joining.Verify();
            gate.Open();
            scan.Finish();
            Joining.Verify();
            Engine.Dispose();
        }
    }

    private void WriteWaitsAt(TestPoint point, FaultMode mode)
    {
        Prepare(mode);
        using var entered = Gate.Watch(TestPoint.FaultEntered);
        using var waiting = Gate.Watch(TestPoint.Waiting);
        using var gate = Gate.Stop(point, First);
        var scan = ParkScan(gate);
        var writer = Store(Joining, Victim, 5, 0xA5);
        entered.Await();
        waiting.Await();
        TheRestGoesOn();
        Assert.False(writer.IsDone);
        Assert.True(PageContent.Unique(Victim + 1).IsIn(Joining[Victim])); // until then it shows what it had
        gate.Open();
        scan.Finish();
        writer.Finish();
        Assert.Equal(0xA5, Joining[Victim][5]);
        Assert.True(Engine.Totals.SealWaits >= 1);
        EndsWell();
    }
}
