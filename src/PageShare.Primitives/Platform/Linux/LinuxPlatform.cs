using System.Globalization;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>Linux: memfd, mmap, mincore and /proc.</summary>
internal sealed unsafe class LinuxPlatform : IPlatform
{
    /// <summary>For exceptions of calls that take a descriptor.</summary>
    public const string DescriptorAdvice = "If the process is out of descriptors, raise the limit with 'ulimit -n'.";

    private readonly ProcMappings _mappings = new();

    /// <inheritdoc/>
    public string SealKind => "mprotect";

    /// <inheritdoc/>
    public string CopyCounting => "pagemap";

    /// <inheritdoc/>
    public ILoadSource LoadSource { get; } = new ProcLoadSource();

    /// <inheritdoc/>
    public int MappingLimit => Ask(_mappings.ReadLimit);

    /// <inheritdoc/>
    public long MemoryBytes => Ask(_mappings.ReadMemoryBytes);

    /// <inheritdoc/>
    public long MemoryAndSwapBytes => Ask(_mappings.ReadMemoryAndSwapBytes);

    /// <inheritdoc/>
    public bool MapsSharedPagesSingly(FaultMode mode) => false;

    /// <inheritdoc/>
    public bool ReplacesMappingsAtomically => true;

    /// <inheritdoc/>
    public int CountMappings() => Ask(_mappings.CountOwn);

    /// <inheritdoc/>
    public MemoryObject CreateMemoryObject(string name, long bytes, long? maximumBytes = null) => Memfd.Create(name, bytes);

    /// <inheritdoc/>
    public MappedMemory Map(MemoryObject memory, long bytes, bool writable) =>
        Mapping.Create(
            bytes,
            writable ? MmapProts.PROT_READ | MmapProts.PROT_WRITE : MmapProts.PROT_READ,
            MmapFlags.MAP_SHARED,
            memory.Descriptor,
            "a view of a memory object");

    /// <inheritdoc/>
    public MappedMemory Reserve(long bytes) =>
        Mapping.Create(
            bytes,
            MmapProts.PROT_NONE,
            MmapFlags.MAP_PRIVATE | MmapFlags.MAP_ANONYMOUS | MmapFlags.MAP_NORESERVE,
            -1,
            "a guest");

    /// <inheritdoc/>
    public MappedMemory Allocate(long bytes, bool isDense)
    {
        var memory = Mapping.Create(
            bytes,
            MmapProts.PROT_READ | MmapProts.PROT_WRITE,
            MmapFlags.MAP_PRIVATE | MmapFlags.MAP_ANONYMOUS | MmapFlags.MAP_NORESERVE,
            -1,
            "a table");
        if (isDense)
        {
            // SAFETY: all of the fresh mapping. In vain where the kernel has no huge pages, or is older than Linux 5.14. A
            // table is read before it is written: page by page that would take two faults, the second of which interrupts
            // the other processors.
            _ = Libc.Advise(memory.Address, (nuint)bytes, Libc.AdviseHugePage);
            _ = Libc.Advise(memory.Address, (nuint)bytes, Libc.AdvisePopulateWrite);
        }

        return memory;
    }

    /// <inheritdoc/>
    public IProcessSharing? BetweenProcesses { get; } = new SealedMemfd();

    /// <inheritdoc/>
    public string? WhyNoAdoption => null;

    /// <inheritdoc/>
    public void QueryResidency(RegionHandle? region, byte* view, long firstPage, byte[] resident, int pages)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, resident.Length);

        // SAFETY: the kernel writes one byte a page, and the array holds that many.
        fixed (byte* first = resident)
        {
            if (Libc.Mincore(view, (nuint)pages * (nuint)Environment.SystemPageSize, first) != 0)
            {
                throw new PlatformException("mincore", $"{pages} pages", Marshal.GetLastPInvokeError());
            }
        }
    }

    /// <inheritdoc/>
    public bool IsPrivateAnonymous(byte* address, long bytes)
    {
        var from = (ulong)address;
        return Ask(() => IsPrivateAnonymous(from, from + (ulong)bytes));
    }

    private static bool IsPrivateAnonymous(ulong from, ulong end)
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            // "7f0000000000-7f0000001000 rw-p 00000000 00:00 0      [name]", by address, ascending
            var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            var dash = parts[0].IndexOf('-', StringComparison.Ordinal);
            var first = ulong.Parse(parts[0].AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var last = ulong.Parse(parts[0].AsSpan(dash + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (last <= from)
            {
                continue;
            }

            if (first > from || !parts[1].StartsWith("rw-p", StringComparison.Ordinal) || parts[4] != "0")
            {
                return false;
            }

            if (last >= end)
            {
                return true;
            }

            from = last;
        }

        return false;
    }

    /// <summary>Reads from /proc, which takes a descriptor, and so may be refused like all else.</summary>
    private static T Ask<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (IOException refusal) when (refusal is not PlatformException)
        {
            // The result code is the errno where the message is the system's.
            var error = refusal.HResult is > 0 and < 4096 ? refusal.HResult : 0;
            throw new PlatformException("reading", "/proc", error, DescriptorAdvice);
        }
    }
}
