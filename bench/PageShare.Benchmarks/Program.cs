using BenchmarkDotNet.Running;
using PageShare.Benchmarks.EndToEnd;
using PageShare.Benchmarks.Reporting;
using PageShare.Benchmarks.Traces;

namespace PageShare.Benchmarks;

/// <summary>
/// <c>figures</c> measures the whole engine on a large guest set, <c>trace</c> runs it on a trace beside the simulation
/// of <c>pageshare tune</c>, <c>scan</c> measures how fast images are scanned; everything else is BenchmarkDotNet's command line,
/// which without arguments runs all benchmarks.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments switch
    {
        ["figures", .. var rest] => Figures.Run(rest),
        ["trace", .. var rest] => TraceReplay.Run(rest),
        ["scan", .. var rest] => ScanSpeed.Run(rest),
        _ => RunBenchmarks(Complete(arguments)),
    };

    private static int RunBenchmarks(string[] arguments)
    {
        var config = new BenchmarkConfig();
        var summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments, config).ToList();
        var failed = summaries.SelectMany(static summary => summary.Reports).Count(static report => !report.Success);
        return failed == 0 && !summaries.Any(static summary => summary.HasCriticalValidationErrors) ? 0 : 1;
    }

    /// <summary>BenchmarkDotNet asks for benchmarks on the console when none are named, and wants a shape for the
    /// list.</summary>
    private static string[] Complete(string[] arguments) => arguments switch
    {
        [] => ["--filter", "*"],
        ["--list"] => ["--list", "flat"],
        _ => arguments,
    };
}
