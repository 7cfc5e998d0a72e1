using System.Globalization;
using System.Runtime.InteropServices;
using PageShare.Cli;

namespace PageShare.Workloads.Reporting;

/// <summary>On what the figures were measured. Immutable.</summary>
internal sealed record MachineFacts
{
    /// <summary>The processor's name.</summary>
    public required string Processor { get; init; }

    /// <summary>Processors that this process may use.</summary>
    public required int Processors { get; init; }

    /// <summary>Memory of the machine in bytes; 0 where unknown.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Kernel { get; init; }

    /// <summary>The runtime.</summary>
    public required string Runtime { get; init; }

    /// <summary>Most mappings of a process; 0 where unknown.</summary>
    public required long MappingLimit { get; init; }

    /// <summary>Tasks that wanted a processor in the minute before: figures of a busy machine are its neighbours',
    /// too.</summary>
    public required double LoadAverage { get; init; }

    /// <summary>Whether others were at work: then the clock on the wall tells more of them than of us.</summary>
    public bool IsBusy => LoadAverage > Processors / 2.0;

    /// <summary>Reads this machine.</summary>
    public static MachineFacts Read() => new()
    {
        Processor = Value("/proc/cpuinfo", "model name") ?? "unknown",
        Processors = Environment.ProcessorCount,
        MemoryBytes = Line("/proc/meminfo", "MemTotal") is { } total ? ProcText.Kibibytes(total) : 0,
        Kernel = FirstLine("/proc/sys/kernel/osrelease") ?? "unknown",
        Runtime = RuntimeInformation.FrameworkDescription,
        MappingLimit = long.TryParse(
            FirstLine("/proc/sys/vm/max_map_count"), NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : 0,
        LoadAverage = double.TryParse(
            FirstLine("/proc/loadavg")?.Split(' ')[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var load)
            ? load
            : 0,
    };

    /// <summary>In one line.</summary>
    public override string ToString() =>
        $"{Processor}, {Processors} processors, {Quantity.Bytes(MemoryBytes)}; Linux {Kernel}, {Runtime}; "
        + $"load average {Figures.Short(LoadAverage)}";

    private static string? Value(string path, string name) => Line(path, name)?.Split(':', 2)[1].Trim();

    /// <summary>The line of that name. Names are followed by a colon, with or without blanks before it.</summary>
    private static string? Line(string path, string name) => File.Exists(path)
        ? File.ReadLines(path).FirstOrDefault(line =>
            line.StartsWith(name, StringComparison.Ordinal) && line.AsSpan(name.Length).TrimStart().StartsWith(":"))
        : null;

    private static string? FirstLine(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault() : null;
}
