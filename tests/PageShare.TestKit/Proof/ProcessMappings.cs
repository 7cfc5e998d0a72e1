using PageShare.Platform;

namespace PageShare.TestKit.Proof;

/// <summary>The mappings of this process, from /proc/self/maps or smaps; on Windows its views and other
/// allocations.</summary>
public static unsafe class ProcessMappings
{
    /// <summary>Mappings of the whole process.</summary>
    public static int Count => All().Count();

    /// <summary>The mappings that overlap a range.</summary>
    public static IReadOnlyList<ProcessMapping> Of(byte* start, long bytes) => Overlapping(All(), (nuint)start, bytes);

    /// <summary>The same with flags and anonymous memory, which takes longer.</summary>
    public static IReadOnlyList<ProcessMapping> DetailsOf(byte* start, long bytes)
    {
        if (HostPlatform.IsLinux)
        {
            return Overlapping(ProcMaps.ReadDetails(), (nuint)start, bytes);
        }

        // SAFETY: asked about, not followed.
        return [.. Of(start, bytes).Select(static mapping => mapping with
        {
            AnonymousBytes = ViewList.CountCopies((byte*)mapping.Start, (byte*)mapping.End) * PageContent.Bytes,
        })];
    }

    /// <summary>How often the system cuts what could be one mapping of a guest of so many pages: on Windows no view of
    /// the shim's crosses a multiple of 64 pages.</summary>
    public static int CutsIn(long pages) => HostPlatform.IsLinux ? 0 : (int)((pages - 1) / 64);

    private static IEnumerable<ProcessMapping> All() => HostPlatform.IsLinux ? ProcMaps.Read() : ViewList.Read();

    private static ProcessMapping[] Overlapping(IEnumerable<ProcessMapping> mappings, nuint start, long bytes) =>
        [.. mappings.Where(mapping => mapping.End > start && mapping.Start < start + (nuint)bytes)];
}
