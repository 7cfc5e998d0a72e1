using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>An ELF core dump of a process or a machine: its loaded segments, each a region, by address.</summary>
/// <remarks>Bytes that a segment had in memory and not in the file were not dumped, and do not count.</remarks>
internal sealed class CoreDumpTarget(string path) : ScanTarget(path)
{
    private SafeFileHandle? _file;

    /// <inheritdoc/>
    public override string Kind => "core dump";

    /// <inheritdoc/>
    public override long EstimatePages() => TargetName.EstimateLength(Name) / Quantity.PageBytes;

    /// <inheritdoc/>
    public override IEnumerable<PageRange> Ranges()
    {
        _file = Open(Name);
        IReadOnlyList<CoreSegment> segments = CoreSegments.Read(_file, RandomAccess.GetLength(_file));
        foreach (CoreSegment segment in segments)
        {
            yield return PageRange.Whole(segment.Offset, segment.Bytes / Quantity.PageBytes) with
            {
                StartsRegion = true,
            };
        }
    }

    /// <inheritdoc/>
    public override ulong Read(in PageRange range, Span<byte> buffer)
    {
        ReadFile(_file!, range, buffer);
        return 0;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _file?.Dispose();
        base.Dispose();
    }
}
