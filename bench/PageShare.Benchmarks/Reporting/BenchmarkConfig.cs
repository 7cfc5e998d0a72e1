using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using PageShare.Benchmarks.Memory;
using Perfolizer.Horology;

namespace PageShare.Benchmarks.Reporting;

/// <summary>How all benchmarks run: in this process, one large invocation an iteration, processor time,
/// medians.</summary>
/// <remarks>
/// In process, because BenchmarkDotNet would else generate and build a project, which needs a registry. Each invocation
/// does tens of thousands of operations and lasts milliseconds, so one an iteration is enough, needs no calibration,
/// and lets benchmarks that use up their state (a page breaks but once) set it up anew before each. The same for all,
/// so that a benchmark and its limit are in one group.
/// </remarks>
internal sealed class BenchmarkConfig : ManualConfig
{
    public BenchmarkConfig()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithClock(new ThreadClock())
            .WithStrategy(RunStrategy.Monitoring)
            .WithInvocationCount(1)
            .WithUnrollFactor(1)
            .WithWarmupCount(3) // long enough for tiered compilation to be done
            .WithIterationCount(15)
            .WithId("InProcess"));
        AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params);
        AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.Max, new LimitColumn());
        AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory, BenchmarkLogicalGroupRule.ByParams);
        AddLogger(ConsoleLogger.Default);
        AddExporter(MarkdownExporter.GitHub);
        AddFilter(new SimpleFilter(static benchmark =>
            !benchmark.Descriptor.WorkloadMethod.Name.StartsWith(KsmPages.Prefix, StringComparison.Ordinal)
            || KsmPages.IsUsable));
        WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared, MethodOrderPolicy.Declared));
        WithSummaryStyle(SummaryStyle.Default.WithTimeUnit(TimeUnit.Nanosecond).WithMaxParameterColumnWidth(40));
    }
}
