using System.Globalization;

namespace PageShare.Memory;

/// <summary>
/// Index of a page in its region: page i lies i × 4096 bytes from the region's start, and of its backing's.
/// </summary>
/// <param name="Value">The index, zero for the first page.</param>
internal readonly record struct PageNumber(long Value) : IComparable<PageNumber>
{
    /// <summary>Bytes from the start of the region to the page.</summary>
    public long Offset => Value << PageSize.Shift;

    /// <summary>The page behind this one.</summary>
    public PageNumber Next => new(Value + 1);

    /// <summary>The page that holds the byte at <paramref name="offset"/> of the region.</summary>
    public static PageNumber Containing(long offset) => new(offset >> PageSize.Shift);

    public static PageNumber operator +(PageNumber page, long pages) => new(page.Value + pages);

    public static PageNumber operator -(PageNumber page, long pages) => new(page.Value - pages);

    /// <summary>Pages from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static long operator -(PageNumber left, PageNumber right) => left.Value - right.Value;

    public static PageNumber operator ++(PageNumber page) => page.Next;

    public static bool operator <(PageNumber left, PageNumber right) => left.Value < right.Value;

    public static bool operator >(PageNumber left, PageNumber right) => left.Value > right.Value;

    public static bool operator <=(PageNumber left, PageNumber right) => left.Value <= right.Value;

    public static bool operator >=(PageNumber left, PageNumber right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(PageNumber other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"page {Value}");
}
