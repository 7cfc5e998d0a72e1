using PageShare.IsolationTests.Foreign;
using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Crashes;

/// <summary>Uses of guest memory that are as wrong as any wild access, and end as such.</summary>
public sealed class GuestMisuseTests(ForeignCode foreign) : IClassFixture<ForeignCode>
{
    [Theory]
    [InlineData("guard-write")]
    [InlineData("above-size-write")]
    [InlineData("protected-write")]
    [InlineData("freed-write")]
    [InlineData("freed-read")]
    [InlineData("freed-under-writers")]
    public void AccessWhereNoGuestIsOrMayBeIsAnOrdinaryAccessViolation(string scenario)
    {
        var exitCode = HostPlatform.IsLinux
            ? ProbeProcess.Aborted
            : ProbeProcess.Run("wild-write", engine: null).ExitCode; // Windows has several
        foreach (var mode in new[] { FaultMode.Signal, FaultMode.Kernel })
        {
            var result = ProbeProcess.Run(scenario, mode).Expect(exitCode);
            Assert.StartsWith(
                "Fatal error.\nSystem.AccessViolationException: Attempted to read or write protected memory",
                result.Error,
                StringComparison.Ordinal);
        }
    }

    [Theory, BothModes]
    public void AGuestThatIsFreedUnderItsWritersTakesNothingOfOthersWithIt(FaultMode mode) =>
        foreign.Run("freed-under-native-writers", mode).ExpectDone("freed 8 guests");
}
