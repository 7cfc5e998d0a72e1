using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Foreign;

/// <summary>Processes that come out of one with guests, while these share and are written.</summary>
public sealed class ChildProcessTests(ForeignCode foreign) : IClassFixture<ForeignCode>
{
    [Theory, BothModes]
    public void ProcessesCanBeStartedWhileGuestsAreSharedAndWritten(FaultMode mode) =>
        ProbeProcess.Run("process-start", mode).ExpectDone("started 20");

    [Theory, BothModes]
    public void AForkedChildHasNoPageOfAnyGuestAtWhateverMomentItWasForked(FaultMode mode)
    {
        Assert.SkipUnless(HostPlatform.IsLinux, "needs Linux: Windows has no fork.");
        foreign.Run("native-fork", mode).ExpectDone("forked 200");
    }
}
