using PageShare.CrashProbe.Hosting;
using PageShare.CrashProbe.Hostile;
using PageShare.CrashProbe.Isolated;
using PageShare.CrashProbe.Oracle;
using PageShare.CrashProbe.Scenarios;

namespace PageShare.CrashProbe;

/// <summary>
/// Runs one scenario by name. It may crash, which is the point: who started it looks at how.
/// <code>
/// PageShare.CrashProbe unhandled-null --engine signal
/// PageShare.CrashProbe oracle --engine kernel --seed 1 --soak 10
/// </code>
/// </summary>
internal static class Program
{
    private static readonly Dictionary<string, Func<ProbeArguments, int>> Scenarios = new()
    {
        ["caught-nulls"] = OrdinaryCrashes.CaughtNulls,
        ["unhandled-null"] = OrdinaryCrashes.UnhandledNull,
        ["unhandled-exception"] = OrdinaryCrashes.UnhandledException,
        ["wild-write"] = OrdinaryCrashes.WildWrite,
        ["wild-read"] = OrdinaryCrashes.WildRead,
        ["wild-native-write"] = OrdinaryCrashes.WildNativeWrite,
        ["read-only-write"] = OrdinaryCrashes.ReadOnlyWrite,
        ["stack-overflow"] = OrdinaryCrashes.StackOverflow,
        ["stack-overflow-in-thread"] = OrdinaryCrashes.StackOverflowInThread,
        ["guard-write"] = GuestMisuse.GuardWrite,
        ["above-size-write"] = GuestMisuse.AboveSizeWrite,
        ["protected-write"] = GuestMisuse.ProtectedWrite,
        ["freed-write"] = GuestMisuse.FreedWrite,
        ["freed-read"] = GuestMisuse.FreedRead,
        ["freed-under-writers"] = GuestMisuse.FreedUnderWriters,
        ["freed-under-native-writers"] = FreedGuests.UnderNativeWriters,
        ["handler-before"] = ForeignHandlers.Before,
        ["handler-after"] = ForeignHandlers.After,
        ["handler-after-in-mid-pass"] = ForeignHandlers.AfterInMidPass,
        ["process-start"] = ChildProcesses.ProcessStart,
        ["native-fork"] = ChildProcesses.NativeFork,
        ["no-descriptors"] = Shortages.NoDescriptors,
        ["no-descriptors-for-scanner"] = Shortages.NoDescriptorsForScanner,
        ["memory-limit"] = Shortages.MemoryLimit,
        ["collect-while-sealing"] = CollectWhileSealing.Run,
        ["merge-throughput"] = MergeThroughput.Run,
        ["ring-guest"] = RingGuests.Run,
        ["oracle"] = OracleScenario.Run,
        ["host"] = HostScenario.Run,
        ["hosted-guest"] = HostedGuestScenario.Run,
        ["oracle-guest"] = OracleGuestScenario.Run,
        ["hostile-guest"] = HostileGuestScenario.Run,
    };

    private static int Main(string[] arguments)
    {
        if (arguments.Length == 0 || !Scenarios.TryGetValue(arguments[0], out var scenario))
        {
            Console.Error.WriteLine("usage: PageShare.CrashProbe SCENARIO [--name value ...]");
            Console.Error.WriteLine(string.Join('\n', Scenarios.Keys));
            return ProbeExit.Usage;
        }

        PlainMemory.ForgoCrashReports();
        try
        {
            return scenario(new ProbeArguments(arguments.AsSpan(1)));
        }
        catch (ProbeFailedException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return ProbeExit.Failed;
        }
    }
}
