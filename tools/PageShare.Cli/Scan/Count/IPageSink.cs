using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan.Count;

/// <summary>Where pages go that were read and digested: in the order of targets and addresses.</summary>
/// <remarks>Guard: one thread at a time; <see cref="PagesDone"/> may be read by any.</remarks>
internal interface IPageSink
{
    /// <summary>Pages taken so far, of all targets.</summary>
    long PagesDone { get; }

    /// <summary>What follows belongs to this target.</summary>
    TargetTally Begin(ScanTarget target);

    /// <summary>Takes the pages of a range of the target begun last.</summary>
    /// <param name="range">Where they are.</param>
    /// <param name="pages">Their digests.</param>
    /// <param name="gone">A bit for each that was not there any more.</param>
    void Add(in PageRange range, ReadOnlySpan<PageDigest> pages, ulong gone);

    /// <summary>There is no more.</summary>
    void Seal();
}
