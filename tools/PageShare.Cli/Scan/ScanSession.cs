using System.Diagnostics;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Report;
using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan;

/// <summary>One <c>pageshare scan</c>, from names to the report.</summary>
internal static class ScanSession
{
    /// <summary>Runs it.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="stop">The user's wish to end early; what was counted by then is reported.</param>
    /// <param name="showProgress">Whether to tell on standard error how far it is.</param>
    /// <exception cref="CommandException">A name can't be the name of anything.</exception>
    public static ScanReport Run(ScanOptions options, CancellationToken stop, bool showProgress = false)
    {
        var seen = new SharedMemory();
        ScanTarget[] targets = [.. TargetName.Expand(options.Targets).Select(name => TargetName.Resolve(name, seen))];
        try
        {
            return Run(options, targets, stop, showProgress);
        }
        finally
        {
            Array.ForEach(targets, target => target.Dispose());
        }
    }

    /// <summary>The same for targets that are there already, which stay the caller's to dispose.</summary>
    internal static ScanReport Run(
        ScanOptions options, IReadOnlyList<ScanTarget> targets, CancellationToken stop, bool showProgress = false)
    {
        long[] estimates = [.. targets.Select(target => target.EstimatePages())];
        using var counter = new PageCounter(options.Sample);
        var compression = new CompressionSample(PageCompressor.Find(), estimates.Sum());
        var clock = Stopwatch.StartNew();

        // Where one target can't say, the sum says nothing.
        long expected = estimates.Contains(0) ? 0 : estimates.Sum();
        using (showProgress ? new ScanProgress(counter, expected) : null)
        using (var pipeline = new ScanPipeline(targets, counter, options.Threads, compression))
        {
            pipeline.Run(stop);
        }

        bool interrupted = stop.IsCancellationRequested;
        return new ReportBuilder(counter, compression, options).Build(interrupted, clock.Elapsed.TotalSeconds);
    }
}
