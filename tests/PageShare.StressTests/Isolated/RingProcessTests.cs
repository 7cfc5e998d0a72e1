using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.StressTests.Isolated;

/// <summary>An engine with guests in real processes of their own, without the service around it.</summary>
public sealed class RingProcessTests
{
    private const int Pages = 3000;
    private const int StopSignal = 19;
    private const int ContinueSignal = 18;

    [Theory, BothModes]
    public void GuestsInProcessesOfTheirOwnShareKeepTheirBytesAndDieWithoutATrace(FaultMode mode)
    {
        using var engine = TestEngine.Start(mode);
        using var one = StartGuest(engine, "one", mode, 1);
        using var two = StartGuest(engine, "two", mode, 2);
        Until.True(() => engine.Scan().Completed && engine.Totals.PagesSharing == Pages, "all pages are shared");
        EngineBooks.Check(engine.Engine);

        one.Say("write 20000 1");
        two.Say("write 20000 2");
        for (var pass = 0; pass < 20; pass++)
        {
            engine.Scan();
        }

        one.Hear("written");
        two.Hear("written");
        one.Tell("verify", "right");
        two.Tell("verify", "right");
        one.Kill();
        one.Host.Dispose();
        Until.True(() => engine.Scan().Completed && engine.Totals.PagesSharing == 0, "the other has all for itself");
        two.Tell("verify", "right");
        EngineBooks.Check(engine.Engine);
    }

    [Theory, BothModes]
    public void AStoppedProcessIsLateAndGoesOnWhereItWas(FaultMode mode)
    {
        using var engine = TestEngine.Start(mode);
        using var one = StartGuest(engine, "one", mode, 1);
        using var two = StartGuest(engine, "two", mode, 2);
        two.Signal(StopSignal);
        Until.True(() => engine.Scan().Completed && two.Host.State == IsolatedState.Late, "an order is late");
        one.Tell("verify", "right");
        two.Signal(ContinueSignal);
        Until.True(() => engine.Scan().Completed && engine.Totals.PagesSharing == Pages, "all pages are shared");
        two.Tell("verify", "right");
        EngineBooks.Check(engine.Engine);
    }

    [Theory, BothModes]
    public void AProcessKilledInTheMiddleOfMergesLeavesExactCounters(FaultMode mode)
    {
        using var engine = TestEngine.Start(mode);
        using var stays = StartGuest(engine, "stays", mode, 1);
        for (var round = 0; round < 5; round++)
        {
            using var dies = StartGuest(engine, "dies", mode, 2 + round);
            engine.Scan();
            var killer = new Thread(dies.Kill);
            killer.Start();
            engine.Scan();
            engine.Scan();
            killer.Join();
            dies.Host.Dispose();
            stays.Tell("verify", "right");
        }

        Assert.True(stays.Host.Unshare());
        engine.Scan();
        Assert.Equal(0, engine.Totals.PagesShared);
        EngineBooks.Check(engine.Engine);
        stays.Tell("verify", "right");
    }

    private static RingProcess StartGuest(TestEngine engine, string name, FaultMode mode, int processId)
    {
        var guest = RingProcess.Start(engine.Engine, name, Pages, mode, processId);
        guest.Tell("fill 1", "filled");
        guest.Attach();
        return guest;
    }
}
