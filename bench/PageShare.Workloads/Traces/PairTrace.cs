using PageShare.Memory;

namespace PageShare.Workloads.Traces;

/// <summary>Two guests with the same contents, none of which is in either of them twice: the longest runs there can be.
/// They do not get busy.</summary>
internal sealed unsafe class PairTrace : IMemoryTrace
{
    private readonly int _pages;
    private readonly PageFiller _filler;

    /// <param name="bytes">Of each guest.</param>
    /// <param name="seed">Of the contents.</param>
    public PairTrace(long bytes, ulong seed)
    {
        _pages = (int)(bytes / PageSize.Bytes);
        _filler = new PageFiller(seed);
        Name = $"a pair of guests of {bytes >> 20} MiB, each page in both";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Guests { get; } = ["guest-0", "guest-1"];

    /// <inheritdoc/>
    public int PagesOf(int guest) => _pages;

    /// <inheritdoc/>
    public void Read(int guest, Moment moment, int page, Span<byte> into)
    {
        // SAFETY: the span is of whole pages, pinned while they are filled one by one.
        fixed (byte* start = into)
        {
            for (var i = 0; i < into.Length / PageSize.Bytes; i++)
            {
                _filler.Fill(start + ((long)i * PageSize.Bytes), (ulong)(page + i));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It has nothing to free.
    }
}
