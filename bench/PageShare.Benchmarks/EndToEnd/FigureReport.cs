using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>Shows what was measured: a table for people, or one object for programs.</summary>
internal static class FigureReport
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Writes to standard output.</summary>
    public static void Write(FigureOptions options, ModeFigures[] modes)
    {
        if (options.Json)
        {
            Console.WriteLine(ToJson(options, modes));
            return;
        }

        Console.WriteLine(
            $"{options.Guests} guests of {options.SizeMebibytes} MiB, half of it in all of them in runs of "
            + $"{options.RunPages} pages");
        Console.WriteLine(
            $"{RuntimeInformation.OSDescription}, {Environment.OSVersion}, {RuntimeInformation.FrameworkDescription}, "
            + $"{Environment.ProcessorCount} processors");
        Console.WriteLine();
        Row("", modes.Select(static mode => mode.FaultMode));
        Row("", modes.Select(static _ => new string('-', 18)));
        foreach (var (name, value) in Lines)
        {
            Row(name, modes.Select(value));
        }
    }

    private static IEnumerable<(string Name, Func<ModeFigures, string> Value)> Lines =>
    [
        ("converge, s", static mode => Text(mode.ConvergeSeconds, "F2")),
        ("  scanner CPU, s", static mode => Text(mode.ConvergeCpuSeconds, "F2")),
        ("  merges a second", static mode => Text(mode.MergesPerSecond, "N0")),
        ("  merges a second of CPU", static mode => Text(mode.MergesPerCpuSecond, "N0")),
        ("first pass, ns a page", static mode => Text(mode.FirstPassNanosecondsPerPage, "F0")),
        ("  XxHash3 over it (limit)", static mode => Text(mode.HashNanosecondsPerPage, "F0")),
        ("  times the limit", static mode => Text(
            mode.FirstPassNanosecondsPerPage / mode.HashNanosecondsPerPage, "F2")),
        ("pass without work, ns a page", static mode => Text(mode.QuietPassNanosecondsPerPage, "F2")),
        ("saved, pages", static mode => Text(mode.SavedPages, "N0")),
        ("  of the optimum, %", static mode => Text(100.0 * mode.SavedPages / mode.BestSavedPages, "F1")),
        ("metadata, bytes a page", static mode => Text(mode.MetadataBytesPerPage, "F1")),
        ("kernel tables, bytes a page", static mode => Text(mode.KernelTableBytesPerPage, "F1")),
        ("mappings", static mode => Text(mode.MappingsUsed, "N0")),
        ("first touch (limit) p50 / p99, us", static mode => Text(mode.FirstTouch)),
        ("break, sequential p50 / p99, us", static mode => Text(mode.BreakSequential)),
        ("break, random p50 / p99, us", static mode => Text(mode.BreakRandom)),
        ("stores of a writer while merging", static mode => Text(mode.SealWaits.Stores, "N0")),
        ("  that waited for a seal", static mode => Text(mode.SealWaits.Count, "N0")),
        ("  p50 / p99, us", static mode => Text(
            mode.SealWaits.Nanoseconds.P50, mode.SealWaits.Nanoseconds.P99)),
        ("  longest, us", static mode => Microseconds(mode.SealWaits.Nanoseconds.Max)),
    ];

    private static string ToJson(FigureOptions options, ModeFigures[] modes) => JsonSerializer.Serialize(
        new
        {
            options.Guests,
            options.SizeMebibytes,
            options.RunPages,
            options.Breaks,
            options.Seed,
            System = RuntimeInformation.OSDescription,
            Kernel = Environment.OSVersion.ToString(),
            Runtime = RuntimeInformation.FrameworkDescription,
            Processors = Environment.ProcessorCount,
            Modes = modes,
        },
        Format);

    private static void Row(string name, IEnumerable<string> values) =>
        Console.WriteLine($"{name,-34}{string.Concat(values.Select(static value => $"{value,20}"))}");

    private static string Text(IFormattable number, string format) =>
        number.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(StoreTimes times) => Text(times.P50Nanoseconds, times.P99Nanoseconds);

    private static string Text(long p50, long p99) =>
        string.Create(CultureInfo.InvariantCulture, $"{Microseconds(p50)} / {Microseconds(p99)}");

    private static string Microseconds(long nanoseconds) =>
        (nanoseconds / 1e3).ToString(nanoseconds < 100_000 ? "F1" : "F0", CultureInfo.InvariantCulture);
}
