using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// The memory of a running process: its anonymous pages and its shared memory, as far as they are present. Read through
/// <c>/proc/PID/mem</c> while the process goes on.
/// </summary>
/// <remarks>
/// <para>Left out are pages of mapped files on disks (the page cache shares those), devices, pages in swap (reading
/// would bring them back), and pages that were never touched (reading would make them).</para>
/// <para>A page that several mappings show already counts once, with the first of them. Privileged, that is told by
/// frame number, which covers fork, KSM and shared memory alike. Without privilege shared memory is told by device,
/// inode and offset, and the rest can't be told.</para>
/// <para>The handles hold on to the address space, not to the number: when the process ends they read nothing, and a
/// new process that gets the number is never read by mistake.</para>
/// </remarks>
/// <param name="name">As given.</param>
/// <param name="pid">The process.</param>
/// <param name="seen">Pages that were counted, shared by all processes of a scan.</param>
/// <param name="proc">Where the kernel's files are.</param>
internal sealed class ProcessTarget(string name, int pid, SharedMemory seen, string proc = "/proc") : ScanTarget(name)
{
    private const int EntriesAtOnce = 8192;

    private readonly string _folder = Path.Combine(proc, pid.ToString(CultureInfo.InvariantCulture));
    private readonly ulong[] _entries = new ulong[EntriesAtOnce];
    private SafeFileHandle? _memory;
    private SafeFileHandle? _pagemap;
    private IReadOnlySet<ulong> _memoryDevices = new HashSet<ulong>();
    private long _alreadyShared;
    private long _swapped;
    private long _gone;
    private bool _lacksFrames;

    /// <inheritdoc/>
    public override string Kind => "process";

    /// <inheritdoc/>
    public override long AlreadySharedPages => _alreadyShared;

    /// <inheritdoc/>
    public override IEnumerable<string> Notes
    {
        get
        {
            if (_lacksFrames)
            {
                yield return "frame numbers can't be seen without CAP_SYS_ADMIN: shared memory counts once, by device, "
                    + "inode and offset, but pages that processes share by fork or KSM already count as duplicates. "
                    + "Run as root to tell them.";
            }

            if (_swapped > 0)
            {
                yield return $"{Quantity.Count(_swapped)} pages are in swap and were not read.";
            }

            if (_gone > 0)
            {
                yield return $"{Quantity.Count(_gone)} pages went away before they could be read.";
            }
        }
    }

    /// <inheritdoc/>
    public override long EstimatePages()
    {
        try
        {
            // Sizes in pages: all, resident, of these file and shared, and more.
            string sizes = File.ReadAllText(Path.Combine(_folder, "statm"));
            return long.Parse(sizes.Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception unknown) when (
            unknown is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<PageRange> Ranges()
    {
        // Mappings first: without privilege these can be listed while the rest is refused, which says what is wrong.
        List<ProcessMapping> mappings = ReadMappings();
        if (mappings.Count == 0)
        {
            throw new TargetException("has no memory of its own: it is a kernel thread, or has ended.");
        }

        _memory = OpenOf("mem");
        _pagemap = OpenOf("pagemap");
        _memoryDevices = ReadMemoryDevices();
        foreach (ProcessMapping mapping in mappings.Where(mapping => !mapping.IsForeign))
        {
            bool startsRegion = true;
            long absent = 0;
            foreach ((long first, long pages, bool counts) in Stretches(WhichCount(mapping)))
            {
                if (!counts)
                {
                    absent += pages;
                    continue;
                }

                yield return PageRange.Whole((long)mapping.Start + (first * Quantity.PageBytes), pages) with
                {
                    StartsRegion = startsRegion,
                    AbsentBefore = absent,
                };
                startsRegion = false;
                absent = 0;
            }

            if (absent > 0)
            {
                yield return PageRange.Whole(0, 0) with { StartsRegion = startsRegion, AbsentBefore = absent };
            }
        }
    }

    /// <inheritdoc/>
    public override ulong Read(in PageRange range, Span<byte> buffer)
    {
        ulong gone = 0;
        int bytes = (int)range.Bytes;
        for (int done = 0; done < bytes;)
        {
            int read = ReadSome(buffer[done..bytes], range.Offset + done);
            if (read == 0)
            {
                throw Ended();
            }

            if (read < 0)
            {
                // Unmapped since we asked, or memory that even the kernel does not read.
                int page = done / Quantity.PageBytes;
                gone |= 1UL << page;
                Interlocked.Increment(ref _gone);
                done = (page + 1) * Quantity.PageBytes;
                continue;
            }

            done += read;
        }

        return gone;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory?.Dispose();
        _pagemap?.Dispose();
        base.Dispose();
    }

    /// <summary>Whether each page of a mapping counts.</summary>
    private IEnumerable<bool> WhichCount(ProcessMapping mapping)
    {
        for (long start = 0; start < mapping.Pages; start += EntriesAtOnce)
        {
            int count = (int)Math.Min(EntriesAtOnce, mapping.Pages - start);
            ReadEntries(mapping.Start, start, count);
            for (int i = 0; i < count; i++)
            {
                yield return Counts(mapping, start + i, new PagemapEntry(_entries[i]));
            }
        }
    }

    private bool Counts(in ProcessMapping mapping, long page, PagemapEntry entry)
    {
        _swapped += entry.IsSwapped ? 1 : 0;
        bool isMemoryObject = mapping.IsMemoryObject(_memoryDevices);
        if (!entry.IsPresent || (entry.IsOfFile && !isMemoryObject))
        {
            return false;
        }

        bool isNew = true;
        if (entry.Frame != 0)
        {
            isNew = seen.AddFrame(entry.Frame);
        }
        else
        {
            _lacksFrames = true;
            if (entry.IsOfFile)
            {
                isNew = seen.AddPage(mapping.Device, mapping.Inode, mapping.FilePage + page);
            }
        }

        _alreadyShared += isNew ? 0 : 1;
        return isNew;
    }

    private void ReadEntries(ulong start, long firstPage, int count)
    {
        Span<byte> wanted = MemoryMarshal.AsBytes(_entries.AsSpan(0, count));
        long offset = ((long)(start / Quantity.PageBytes) + firstPage) * PagemapEntry.Bytes;
        while (wanted.Length > 0)
        {
            int read = RandomAccess.Read(_pagemap!, wanted, offset);
            if (read == 0)
            {
                throw Ended();
            }

            wanted = wanted[read..];
            offset += read;
        }
    }

    /// <summary>Bytes read; 0 if the process has ended, -1 if the first page can't be read.</summary>
    private int ReadSome(Span<byte> buffer, long address)
    {
        try
        {
            return RandomAccess.Read(_memory!, buffer, address);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private List<ProcessMapping> ReadMappings()
    {
        try
        {
            IEnumerable<string> lines = File.ReadLines(Path.Combine(_folder, "maps"));
            return [.. lines.Select(ProcessMapping.Parse).OfType<ProcessMapping>()];
        }
        catch (Exception failed) when (failed is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TargetException("does not exist: no process has that number, or it has ended.", failed);
        }
        catch (UnauthorizedAccessException refused)
        {
            throw Refused(refused);
        }
        catch (IOException failed)
        {
            // No such process: it ended between opening and reading.
            throw new TargetException($"ended before it could be read ({failed.Message}).", failed);
        }
    }

    private SafeFileHandle OpenOf(string file)
    {
        try
        {
            return Open(Path.Combine(_folder, file));
        }
        catch (TargetException failed) when (failed.InnerException is UnauthorizedAccessException refused)
        {
            throw Refused(refused);
        }
        catch (TargetException failed) when (
            failed.InnerException is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Ended();
        }
    }

    private IReadOnlySet<ulong> ReadMemoryDevices()
    {
        try
        {
            return ProcessMapping.MemoryDevices(File.ReadLines(Path.Combine(_folder, "mountinfo")));
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return _memoryDevices;
        }
    }

    private static TargetException Refused(UnauthorizedAccessException refused) => new(
        "may not be read: permission denied. Run as root, or as the same user where the kernel lets it (sysctl "
        + "kernel.yama.ptrace_scope=0).",
        refused);

    private static TargetException Ended() => new(
        "ended while it was being read; only what was read until then is counted. Scan it while it runs.");
}
