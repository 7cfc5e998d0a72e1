using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Crashes;

/// <summary>
/// What programs do wrong by themselves ends as it does without an engine: same exit code, same message, same frame,
/// while guests are shared and written by other threads.
/// </summary>
public sealed class OrdinaryCrashTests
{
    private const string AccessViolation =
        "System.AccessViolationException: Attempted to read or write protected memory";

    /// <summary>Scenario, exit code on Linux and message, which the run without an engine is held to as well.</summary>
    public static TheoryData<string, int, string> Crashes => new()
    {
        { "unhandled-null", ProbeProcess.Aborted, "Unhandled exception. System.NullReferenceException" },
        { "unhandled-exception", ProbeProcess.Aborted, "Unhandled exception. System.InvalidOperationException" },
        { "wild-write", ProbeProcess.Aborted, AccessViolation },
        { "wild-read", ProbeProcess.Aborted, AccessViolation },
        { "read-only-write", ProbeProcess.Aborted, AccessViolation },
        { "wild-native-write", ProbeProcess.SegmentationFault, "" },
        { "stack-overflow", ProbeProcess.Aborted, "Stack overflow." },
        { "stack-overflow-in-thread", ProbeProcess.Aborted, "Stack overflow." },
    };

    [Theory]
    [MemberData(nameof(Crashes))]
    public void ACrashLooksAsItDoesWithoutAnEngine(string scenario, int exitCode, string message)
    {
        if (scenario.StartsWith("stack-overflow", StringComparison.Ordinal))
        {
            Wine.SkipHere("under Wine a process whose stack has overflowed does not end within minutes, engine or not.");
        }

        var without = ProbeProcess.Run(scenario, engine: null);
        without.Expect(HostPlatform.IsLinux ? exitCode : without.ExitCode);
        Assert.NotEqual(0, without.ExitCode);
        Assert.Contains(message, without.Error, StringComparison.Ordinal);
        foreach (var mode in new[] { FaultMode.Signal, FaultMode.Kernel })
        {
            var with = ProbeProcess.Run(scenario, mode).Expect(without.ExitCode);
            Assert.Equal(without.Crash, with.Crash);
        }
    }

    [Theory, BothModes]
    public void NullReferencesAreCaughtBySeveralThreadsBetweenStoresToSharedPages(FaultMode mode) =>
        ProbeProcess.Run("caught-nulls", mode).ExpectDone("caught 6000 of 6000");
}
