using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>Something whose pages are counted. It is only ever read.</summary>
/// <remarks>
/// <see cref="Ranges"/> is walked by one thread at a time; <see cref="Read"/> may be called by several at once, for
/// ranges that were handed out, until the target is disposed.
/// </remarks>
/// <param name="name">As it was given on the command line.</param>
internal abstract class ScanTarget(string name) : IDisposable
{
    // A folder may have a million files that can't be read: nobody reads a million messages.
    private const int MostProblems = 20;

    private readonly Lock _gate = new();
    private readonly List<string> _problems = [];
    private long _problemCount;

    /// <summary>As it was given on the command line.</summary>
    public string Name { get; } = name;

    /// <summary>What it is, in one word.</summary>
    public abstract string Kind { get; }

    /// <summary>Pages that were seen already under another name, and are counted there.</summary>
    public virtual long AlreadySharedPages => 0;

    /// <summary>What a reader of the figures must know, in whole sentences; empty most of the time.</summary>
    public virtual IEnumerable<string> Notes => [];

    /// <summary>What went wrong, each with what to do about it. Thread-safe.</summary>
    public IReadOnlyList<string> Problems
    {
        get
        {
            lock (_gate)
            {
                long more = _problemCount - _problems.Count;
                return more == 0 ? [.. _problems] : [.. _problems, $"{Quantity.Count(more)} more problems like these."];
            }
        }
    }

    /// <summary>About how many pages it will have, without opening it; 0 if that can't be said. Never fails.</summary>
    public virtual long EstimatePages() => 0;

    /// <summary>Opens the target and finds its pages, in the order of its addresses.</summary>
    /// <exception cref="TargetException">It can't be read at all, or no further.</exception>
    public abstract IEnumerable<PageRange> Ranges();

    /// <summary>Reads a range of at most 64 pages; what lies behind its bytes is zeroed.</summary>
    /// <returns>A bit for each page that is not there any more.</returns>
    /// <exception cref="TargetException">The target can't be read any further.</exception>
    public abstract ulong Read(in PageRange range, Span<byte> buffer);

    /// <summary>Notes that something went wrong. Thread-safe.</summary>
    public void Fail(string problem)
    {
        lock (_gate)
        {
            if (_problemCount++ < MostProblems)
            {
                _problems.Add(problem);
            }
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Neighbouring pages that count, or do not.</summary>
    /// <param name="counts">Whether each page does, from the first on.</param>
    protected static IEnumerable<(long First, long Pages, bool Counts)> Stretches(IEnumerable<bool> counts)
    {
        long first = 0;
        long page = 0;
        bool counted = false;
        foreach (bool doesCount in counts)
        {
            if (doesCount != counted && page > first)
            {
                yield return (first, page - first, counted);
                first = page;
            }

            counted = doesCount;
            page++;
        }

        yield return (first, page - first, counted);
    }

    /// <summary>
    /// Opens a file for reading. Nobody who uses it notices: the project's settings turn off the lock that .NET takes.
    /// </summary>
    /// <exception cref="TargetException">It can't be opened.</exception>
    protected static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (UnauthorizedAccessException refused)
        {
            throw new TargetException("may not be read: permission denied. Run as its owner or as root.", refused);
        }
        catch (Exception failed) when (failed is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TargetException("does not exist. Check the path.", failed);
        }
        catch (IOException failed)
        {
            throw new TargetException($"can't be opened: {failed.Message}", failed);
        }
    }

    /// <summary>Reads a range of a file.</summary>
    /// <exception cref="TargetException">The file has become shorter, or can't be read any more.</exception>
    protected static void ReadFile(SafeFileHandle file, in PageRange range, Span<byte> buffer)
    {
        Span<byte> wanted = buffer[..(int)range.Bytes];
        buffer[wanted.Length..].Clear();
        for (long offset = range.Offset; wanted.Length > 0;)
        {
            int read;
            try
            {
                read = RandomAccess.Read(file, wanted, offset);
            }
            catch (Exception broken) when (broken is IOException or UnauthorizedAccessException)
            {
                throw new TargetException($"can't be read at offset {offset:N0}: {broken.Message}", broken);
            }

            if (read == 0)
            {
                throw new TargetException(
                    $"became shorter while it was read: nothing is left at offset {offset:N0}. Scan what nobody writes "
                    + "to.");
            }

            offset += read;
            wanted = wanted[read..];
        }
    }
}
