namespace PageShare.Cli.Html;

/// <summary>What a page of a guest is.</summary>
internal enum PageUse
{
    /// <summary>Zeroes.</summary>
    Zero,

    /// <summary>There are others like it.</summary>
    Shared,

    /// <summary>There is none like it.</summary>
    Private,

    /// <summary>It changed while somebody looked.</summary>
    Volatile,
}

/// <summary>What the pages of a guest are, from its first address to its last, in few cells.</summary>
/// <param name="pages">How many pages there will be.</param>
internal sealed class AddressMap(long pages)
{
    private const int MostCells = 1024;
    private static readonly int Uses = Enum.GetValues<PageUse>().Length;

    private readonly long[] _counts = new long[Math.Clamp(pages, 1, MostCells) * Uses];
    private readonly long[] _totals = new long[Uses];
    private long _next;

    /// <summary>Cells.</summary>
    public int Cells => _counts.Length / Uses;

    /// <summary>Pages that are in it.</summary>
    public long Pages => _next;

    /// <summary>How many pages are of a use.</summary>
    public long this[PageUse use] => _totals[(int)use];

    /// <summary>Adds the next page.</summary>
    public void Add(PageUse use)
    {
        long cell = Math.Min(_next++ * Cells / Math.Max(1, pages), Cells - 1);
        _counts[(cell * Uses) + (int)use]++;
        _totals[(int)use]++;
    }

    /// <summary>What most pages of a cell are; null if it has none.</summary>
    public PageUse? UseOf(int cell)
    {
        ReadOnlySpan<long> counts = _counts.AsSpan(cell * Uses, Uses);
        int most = 0;
        for (int use = 1; use < Uses; use++)
        {
            most = counts[use] > counts[most] ? use : most;
        }

        return counts[most] == 0 ? null : (PageUse)most;
    }
}
