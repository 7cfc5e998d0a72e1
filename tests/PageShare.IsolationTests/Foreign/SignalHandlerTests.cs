using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Foreign;

/// <summary>Handlers of others in the same process, of SIGSEGV or of exceptions.</summary>
public sealed class SignalHandlerTests(ForeignCode foreign) : IClassFixture<ForeignCode>
{
    [Theory, BothModes]
    public void AHandlerThatWasInstalledBeforeGetsItsOwnFaultsAndNoOthers(FaultMode mode)
    {
        var without = foreign.Run("handler-before", engine: null).ExpectDone("trapped 50 of 50");
        var with = foreign.Run("handler-before", mode).ExpectDone();
        Assert.Equal(without.Output, with.Output);
    }

    private const string NeedsSignals = "needs Linux: Windows asks all handlers in turn, and shows nobody which.";

    [Theory, BothModes]
    public void AHandlerThatReplacesOursIsNoticedByTheNextPassAndNothingNeedsAFaultFromThenOn(FaultMode mode)
    {
        Assert.SkipUnless(HostPlatform.IsLinux, NeedsSignals);
        foreign.Run("handler-after", mode).ExpectDone();
    }

    [Theory, BothModes]
    public void APassThatWasUnderWayWhenOurHandlerWasReplacedMergesNothingMore(FaultMode mode)
    {
        Assert.SkipUnless(HostPlatform.IsLinux, NeedsSignals);
        foreign.Run("handler-after-in-mid-pass", mode).ExpectDone();
    }
}
