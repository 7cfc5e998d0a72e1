using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace PageShare.Platform.Linux;

/// <summary>
/// How many mappings this process has and may have, and how much memory the machine has. Mappings are the capacity
/// limit of sharing: at the limit mmap fails, and the runtime dies with it. Thread-safe: it holds no state but the
/// path.
/// </summary>
/// <param name="procRoot">Where procfs is mounted; tests give a folder of their own.</param>
internal sealed class ProcMappings(string procRoot = "/proc")
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>
    /// Mappings of this process now, one a line of /proc/self/maps. Other threads map and unmap meanwhile, so take it
    /// for an estimate. Takes about a microsecond per mapping: not for every slice.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public int CountOwn()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            // Unbuffered, or FileStream would allocate a second buffer.
            using var maps = new FileStream(Path.Combine(procRoot, "self", "maps"), FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite, bufferSize: 0);
            var lines = 0;
            for (int read; (read = maps.Read(buffer, 0, buffer.Length)) > 0;)
            {
                lines += buffer.AsSpan(0, read).Count((byte)'\n');
            }

            return lines;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Most mappings that a process may have: vm.max_map_count.</summary>
    /// <exception cref="IOException">The file cannot be read, or is no number.</exception>
    public int ReadLimit()
    {
        var path = Path.Combine(procRoot, "sys", "vm", "max_map_count");
        var text = File.ReadAllText(path);
        return int.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : throw new IOException($"{path}: '{text.Trim()}' is no number of mappings.");
    }

    /// <summary>
    /// The default budget: half of vm.max_map_count, so that the runtime and the kernel's own splits have the other
    /// half, less what the process already uses. Zero if it uses more than that.
    /// </summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public int DefaultBudget() => Math.Max(0, (ReadLimit() / 2) - CountOwn());

    /// <summary>Bytes of memory and swap space that the machine has: no guest can be larger.</summary>
    /// <exception cref="IOException">/proc/meminfo cannot be read, or lacks MemTotal.</exception>
    public long ReadMemoryAndSwapBytes()
    {
        // A kernel without swap support has no SwapTotal.
        return ReadMemoryBytes() + (FindKibibytes(ReadMeminfo(), "SwapTotal:"u8) ?? 0L);
    }

    /// <summary>Bytes of memory that the machine has: the host's part of the overcommit factor.</summary>
    /// <exception cref="IOException">/proc/meminfo cannot be read, or lacks MemTotal.</exception>
    public long ReadMemoryBytes() =>
        FindKibibytes(ReadMeminfo(), "MemTotal:"u8) ?? throw new IOException($"{MeminfoPath}: no MemTotal.");

    private string MeminfoPath => Path.Combine(procRoot, "meminfo");

    private byte[] ReadMeminfo() => File.ReadAllBytes(MeminfoPath);

    /// <summary>"Name:   1234 kB" → bytes; null if there is no such line.</summary>
    private static long? FindKibibytes(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.StartsWith(name)
                && Utf8Parser.TryParse(line[name.Length..].TrimStart((byte)' '), out long kibibytes, out _))
            {
                return kibibytes * 1024;
            }
        }

        return null;
    }
}
