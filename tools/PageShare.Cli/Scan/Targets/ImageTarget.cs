using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>A raw memory image: byte <c>i</c> of the file is address <c>i</c> of one region.</summary>
internal sealed class ImageTarget(string path) : ScanTarget(path)
{
    private SafeFileHandle? _file;

    /// <inheritdoc/>
    public override string Kind => "image";

    /// <inheritdoc/>
    public override long EstimatePages() => TargetName.EstimateLength(Name) / Quantity.PageBytes;

    /// <inheritdoc/>
    public override IEnumerable<PageRange> Ranges()
    {
        long length = TargetName.LengthOf(Name);
        if (length == 0)
        {
            throw new TargetException("is empty, or no regular file: there are no pages to count.");
        }

        if (length % Quantity.PageBytes != 0)
        {
            throw new TargetException(
                $"has {length:N0} bytes, which is no whole number of pages: a memory image that was cut off? Make it "
                + "anew. "
                + "Ordinary files are scanned by naming their folder.");
        }

        _file = Open(Name);
        yield return PageRange.Whole(0, length / Quantity.PageBytes) with { StartsRegion = true };
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
