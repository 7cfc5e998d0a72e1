using PageShare.TestKit;

namespace PageShare.IsolationTests.Foreign;

/// <summary>SIGSEGV handlers of others in the same process.</summary>
public sealed class SignalHandlerTests(ForeignCode foreign) : IClassFixture<ForeignCode>
{
    [Theory, BothModes]
    public void AHandlerThatWasInstalledBeforeGetsItsOwnFaultsAndNoOthers(FaultMode mode)
    {
        var without = foreign.Run("handler-before", engine: null).ExpectDone("trapped 50 of 50");
        var with = foreign.Run("handler-before", mode).ExpectDone();
        Assert.Equal(without.Output, with.Output);
    }

    [Theory, BothModes]
    public void AHandlerThatReplacesOursIsNoticedByTheNextPassAndNothingNeedsAFaultFromThenOn(FaultMode mode) =>
        foreign.Run("handler-after", mode).ExpectDone();

    [Theory, BothModes]
    public void APassThatWasUnderWayWhenOurHandlerWasReplacedMergesNothingMore(FaultMode mode) =>
        foreign.Run("handler-after-in-mid-pass", mode).ExpectDone();
}
