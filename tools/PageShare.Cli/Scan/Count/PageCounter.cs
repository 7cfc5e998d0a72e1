using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan.Count;

/// <summary>Counts pages in the order of targets and addresses, whatever threads have read them.</summary>
/// <remarks>Guard: one thread at a time; <see cref="PagesDone"/> may be read by any.</remarks>
/// <param name="sample">Which contents to keep.</param>
internal sealed class PageCounter(SampleRate sample) : IPageSink, IDisposable
{
    // Beside 40 + 15 bytes of table; more goes to a file.
    private const int LogBytesPerContent = 8;
    private const long LogBytesAtLeast = 16L << 20;

    private readonly List<TargetTally> _targets = [];
    private long _pagesDone;

    /// <summary>The contents.</summary>
    public ContentTable Contents { get; } = new();

    /// <summary>The pages in order; without positions in a sample, where most pages are not known.</summary>
    public PageLog Log { get; } = new();

    /// <summary>Which contents are kept.</summary>
    public SampleRate Sample { get; } = sample;

    /// <summary>The targets begun, in order.</summary>
    public IReadOnlyList<TargetTally> Targets => _targets;

    /// <inheritdoc/>
    public long PagesDone => Volatile.Read(ref _pagesDone);

    /// <summary>Bytes of the tables and of the log in memory: at most 64 for each content, beside a constant.</summary>
    public long Bytes => Contents.Bytes + Log.MemoryBytes;

    /// <inheritdoc/>
    public TargetTally Begin(ScanTarget target)
    {
        if (_targets.Count == PageContent.MostTargets)
        {
            throw CommandException.BadUsage($"more than {PageContent.MostTargets:N0} targets.");
        }

        var tally = new TargetTally(target);
        _targets.Add(tally);
        Log.BeginTarget();
        return tally;
    }

    /// <inheritdoc/>
    public void Add(in PageRange range, ReadOnlySpan<PageDigest> pages, ulong gone)
    {
        bool hasPositions = Sample.IsAll;
        if (hasPositions)
        {
            if (range.StartsRegion)
            {
                Log.AddRegion();
            }

            Log.Add(StretchKind.Absent, range.AbsentBefore);
        }

        Contents.Prefetch(pages);
        TargetTally tally = _targets[^1];
        for (int i = 0; i < pages.Length; i++)
        {
            if ((gone >> i & 1) == 0)
            {
                Count(tally, pages[i], hasPositions);
            }
            else if (hasPositions)
            {
                Log.Add(StretchKind.Absent, 1);
            }
        }

        Volatile.Write(ref _pagesDone, _pagesDone + pages.Length);
        Log.MemoryLimit = LogBytesAtLeast + (Contents.Count * LogBytesPerContent);
    }

    /// <inheritdoc/>
    public void Seal() => Log.Seal();

    /// <inheritdoc/>
    public void Dispose()
    {
        Contents.Dispose();
        Log.Dispose();
    }

    private void Count(TargetTally tally, in PageDigest page, bool hasPositions)
    {
        tally.Pages++;
        if (page.Kind == ContentKind.Zero)
        {
            tally.ZeroPages++;
            if (hasPositions)
            {
                Log.Add(StretchKind.Zero, 1);
            }

            return;
        }

        if (!Sample.Has(page))
        {
            return;
        }

        int target = _targets.Count - 1;
        long number = Contents.FindOrAdd(page, target, out bool isNew);
        if (isNew)
        {
            tally.Contents++;
        }
        else if (Contents[number].AddReference(target))
        {
            tally.Contents++;
            tally.ContentsOfOthers++;
        }

        Log.AddContent(number);
    }
}
