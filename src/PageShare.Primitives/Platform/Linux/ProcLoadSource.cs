using System.Buffers.Text;

namespace PageShare.Platform.Linux;

/// <summary>
/// The machine's load from /proc/stat (proc_stat(5)) and, where the kernel has them, the pressure files of
/// Documentation/accounting/psi.rst. Thread-safe: it holds no state but paths.
/// </summary>
internal sealed class ProcLoadSource : ILoadSource
{
    // The kernel reports in USER_HZ, which its ABI fixes at 100 on every architecture that .NET runs on.
    private const long TimeSpanTicksPerJiffy = TimeSpan.TicksPerSecond / 100;

    // The first line of /proc/stat has ten numbers of at most 20 digits; a pressure file is two short lines.
    private const int BufferBytes = 512;

    private const int FieldIdle = 3;
    private const int FieldIoWait = 4;
    private const int FieldSoftIrq = 6;

    private readonly string _statPath;
    private readonly string _cpuPressurePath;
    private readonly string _memoryPressurePath;

    /// <param name="procRoot">Where procfs is mounted; tests give a folder of their own.</param>
    public ProcLoadSource(string procRoot = "/proc")
    {
        _statPath = Path.Combine(procRoot, "stat");
        _cpuPressurePath = Path.Combine(procRoot, "pressure", "cpu");
        _memoryPressurePath = Path.Combine(procRoot, "pressure", "memory");
    }

    /// <inheritdoc/>
    public bool TryRead(out MachineLoad load)
    {
        Span<byte> buffer = stackalloc byte[BufferBytes];
        if (!TryParseStat(ReadStart(_statPath, buffer), out var idle, out var busy))
        {
            load = default;
            return false;
        }

        load = new MachineLoad(
            idle,
            busy,
            ParsePressure(ReadStart(_cpuPressurePath, buffer)),
            ParsePressure(ReadStart(_memoryPressurePath, buffer)));
        return true;
    }

    /// <summary>
    /// "cpu user nice system idle iowait irq softirq steal guest guest_nice". Guest time is part of user and nice
    /// already, and steal is time that this machine did not have, so neither is added.
    /// </summary>
    private static bool TryParseStat(ReadOnlySpan<byte> text, out TimeSpan idle, out TimeSpan busy)
    {
        idle = TimeSpan.Zero;
        busy = TimeSpan.Zero;
        var prefix = "cpu "u8;
        var lineEnd = text.IndexOf((byte)'\n');
        if (lineEnd < 0 || !text.StartsWith(prefix))
        {
            return false;
        }

        var rest = text[prefix.Length..lineEnd];
        for (var field = 0; field <= FieldSoftIrq; field++)
        {
            rest = rest.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(rest, out long jiffies, out var used)
                || jiffies < 0
                || jiffies > TimeSpan.MaxValue.Ticks / TimeSpanTicksPerJiffy / (FieldSoftIrq + 1))
            {
                return false;
            }

            rest = rest[used..];
            var time = new TimeSpan(jiffies * TimeSpanTicksPerJiffy);
            if (field is FieldIdle or FieldIoWait)
            {
                idle += time;
            }
            else
            {
                busy += time;
            }
        }

        return true;
    }

    /// <summary>"some avg10=1.23 avg60=… total=…": the first number. Null for anything else.</summary>
    private static double? ParsePressure(ReadOnlySpan<byte> text)
    {
        var prefix = "some avg10="u8;
        return text.StartsWith(prefix) && Utf8Parser.TryParse(text[prefix.Length..], out double percent, out _)
            ? percent
            : null;
    }

    /// <summary>
    /// The file's first bytes, or none if it cannot be read: pressure files are absent on old kernels, and reading them
    /// gives EOPNOTSUPP where they are configured but switched off.
    /// </summary>
    private static ReadOnlySpan<byte> ReadStart(string path, Span<byte> buffer)
    {
        try
        {
            using var file = File.OpenHandle(path);
            return buffer[..RandomAccess.Read(file, buffer, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }
}
