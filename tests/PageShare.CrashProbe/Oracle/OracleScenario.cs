using System.Diagnostics;

namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// The oracle from the command line: --engine signal, kernel or both; --seed N (default: another each time);
/// --operations N; --writers N; --scanner-threads N; --soak MINUTES, which goes on with the next seed until the time is over.
/// </summary>
internal static class OracleScenario
{
    public static int Run(ProbeArguments arguments)
    {
        var seed = arguments.Number("seed", Environment.TickCount & 0xFFFF);
        var soak = TimeSpan.FromMinutes(arguments.Real("soak", 0));
        var clock = Stopwatch.StartNew();
        do
        {
            Console.WriteLine($"seed {seed} (PAGESHARE_SEED={seed} repeats it)");
            if (!TryRun(arguments, seed))
            {
                return ProbeExit.Failed;
            }

            seed++;
        }
        while (clock.Elapsed < soak);
        return ProbeExit.Done;
    }

    private static bool TryRun(ProbeArguments arguments, int seed)
    {
        using var run = new OracleRun(new OracleSettings(
            seed,
            ModesOf(arguments.Text("engine", "both")),
            arguments.Number("writers", 4),
            arguments.Number("operations", 15_000),
            CorruptsOneByte: arguments.Number("corrupt", 0) != 0)
        {
            ScannerThreads = arguments.Number("scanner-threads", 1),
        });
        try
        {
            Console.WriteLine(run.Run());
            return true;
        }
        catch (ProbeFailedException failure)
        {
            Console.Error.WriteLine($"{failure.Message} Seed {seed}.");
            return false;
        }
    }

    private static FaultMode[] ModesOf(string engine) =>
        engine == "both" ? [FaultMode.Signal, FaultMode.Kernel] : [Enum.Parse<FaultMode>(engine, ignoreCase: true)];
}
