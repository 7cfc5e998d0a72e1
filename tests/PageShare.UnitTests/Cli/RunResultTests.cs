using PageShare.Cli;
using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class RunResultTests
{
    [Fact]
    public void VerifiedRunThatSavedIsSuccess() => Assert.Equal(ExitCode.Success, Results.Of().ExitCode);

    [Fact]
    public void WrongByteAtTheEndIsFailure() => Assert.Equal(ExitCode.Failed, Results.Of(wrong: "page 7").ExitCode);

    [Fact]
    public void WrongByteWhileGuestsWorkedIsFailure()
    {
        RunResult result = Results.Of(fault: "page 7");

        Assert.False(result.Verified);
        Assert.Equal(ExitCode.Failed, result.ExitCode);
    }

    [Fact]
    public void DuplicatesOfWhichNothingWasSavedAreFailure() =>
        Assert.Equal(ExitCode.Failed, Results.Of(populated: 100, residentPages: 100, duplicates: 1).ExitCode);

    [Fact]
    public void NothingSavedWhereNothingIsEqualIsSuccess() =>
        Assert.Equal(ExitCode.Success, Results.Of(populated: 100, residentPages: 100, duplicates: 0).ExitCode);

    [Fact]
    public void RunThatTheUserCutShortMayHaveSavedNothing() =>
        Assert.Equal(
            ExitCode.Success, Results.Of(populated: 100, residentPages: 100, duplicates: 1, interrupted: true).ExitCode);

    [Fact]
    public void ConvergedRunIsSuccess() =>
        Assert.Equal(ExitCode.Success, Results.Of(untilConverged: true, convergeSeconds: 1.5).ExitCode);

    [Fact]
    public void RunThatDidNotConvergeHasItsOwnCode() =>
        Assert.Equal(ExitCode.NotConverged, Results.Of(untilConverged: true, convergeSeconds: null).ExitCode);

    [Fact]
    public void WrongByteIsWorseThanNoConvergence() =>
        Assert.Equal(
            ExitCode.Failed, Results.Of(untilConverged: true, convergeSeconds: null, wrong: "page 7").ExitCode);
}
