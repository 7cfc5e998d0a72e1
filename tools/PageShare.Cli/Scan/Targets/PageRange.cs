namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// Pages of a target that lie one behind the other, in what is read and in the target's address space. May have none,
/// to tell of a region, or of absent pages at its end.
/// </summary>
internal readonly record struct PageRange
{
    /// <summary>Where the bytes are: offset in the file, or address in the process.</summary>
    public required long Offset { get; init; }

    /// <summary>Number of pages.</summary>
    public required long Pages { get; init; }

    /// <summary>How many bytes can be read; the rest of the last page is zero.</summary>
    public required long Bytes { get; init; }

    /// <summary>The file, where a target has several.</summary>
    public string? Path { get; init; }

    /// <summary>
    /// Pages before this range that are part of the target's address space and have no memory to count.
    /// </summary>
    public long AbsentBefore { get; init; }

    /// <summary>
    /// Whether a new region begins here: a mapping of its own, whose neighbour before does not adjoin it.
    /// </summary>
    public bool StartsRegion { get; init; }

    /// <summary>Whole pages.</summary>
    public static PageRange Whole(long offset, long pages) => new()
    {
        Offset = offset,
        Pages = pages,
        Bytes = pages * Quantity.PageBytes,
    };

    /// <summary>A part of it.</summary>
    /// <param name="first">First page of the part, counted from the start of the range.</param>
    /// <param name="most">Most pages of the part.</param>
    public PageRange Part(long first, long most)
    {
        long pages = Math.Min(most, Pages - first);
        long start = first * Quantity.PageBytes;
        return this with
        {
            Offset = Offset + start,
            Pages = pages,
            Bytes = Math.Clamp(Bytes - start, 0, pages * Quantity.PageBytes),
            AbsentBefore = first == 0 ? AbsentBefore : 0,
            StartsRegion = first == 0 && StartsRegion,
        };
    }
}
