using System.CommandLine;
using System.Globalization;
using PageShare.Cli.Traces;
using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.Benchmarks.Traces;

/// <summary>
/// What <c>trace</c> does: tunes as <c>pageshare tune</c> does, with its options, then has a real engine scan in the
/// background, in real time, while guests do what the trace did; once with the defaults and once as recommended.
/// </summary>
internal static class TraceReplay
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int BadUsage = 2;
    private const double SavingTolerance = 0.05;
    private const double CpuTolerance = 0.30;

    /// <summary>Runs it.</summary>
    /// <returns>The exit code: 0 if the simulation was right.</returns>
    public static int Run(string[] arguments)
    {
        ParseResult parsed = TuneCommand.Create().Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"trace: {parsed.Errors[0].Message} Its options are those of pageshare tune.");
            return BadUsage;
        }

        TuneResult tuned = new TuneSession(TuneCommand.Read(parsed)).Run(CancellationToken.None);
        TuneReport report = tuned.Report;
        MemoryTrace trace = tuned.Other ?? tuned.Trace;
        Console.WriteLine($"tuned on {tuned.Trace.Name}: {report.Recommended.Settings}; run on {trace.Name}");
        Console.WriteLine("settings      what        net saving MiB  saved MiB  scanner CPU %  breaks");
        var usual = new EngineOptions();
        bool isRight = Compare("defaults", trace, usual, report);
        if (tuned.Recommended != usual)
        {
            isRight &= Compare("recommended", trace, tuned.Recommended, report);
        }

        return isRight ? Success : Failure;
    }

    private static bool Compare(string name, MemoryTrace trace, EngineOptions options, TuneReport report)
    {
        // A shared machine would have the scanner wait, which is right and not what is compared here.
        options = options with { ScanWhenBusy = true };
        var schedule = new ChangeSchedule(trace);
        using var simulated = new SimulatedGuests(trace, options, report.Costs, report.MappingLimit);
        Outcome predicted = new ScanLoop(schedule, options, simulated, report.Costs).Run();
        Measured actual = EngineReplay.Run(schedule, options);
        Write(name, "predicted", predicted.MeanNetBytes, predicted.MeanSavedBytes, predicted.ScannerCpuPercent,
            predicted.Samples[^1].Guests.Breaks);
        Write(name, "measured", actual.MeanNetBytes, actual.MeanSavedBytes, actual.ScannerCpuPercent, actual.Breaks);
        double saving = predicted.MeanSavedBytes / actual.MeanSavedBytes;
        double cpu = predicted.ScannerCpuPercent / actual.ScannerCpuPercent;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name,-12}  ratio       saving {saving:0.000}, CPU {cpu:0.000}"));
        return Math.Abs(saving - 1) <= SavingTolerance && Math.Abs(cpu - 1) <= CpuTolerance;
    }

    private static void Write(string name, string what, double net, double saved, double cpu, long breaks) =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-12}  {what,-10}  {net / (1 << 20),14:0.0}  {saved / (1 << 20),9:0.0}  {cpu,13:0.000}  {breaks,6}"));
}
