using PageShare.Platform;
using PageShare.Platform.Windows;

namespace PageShare.TestKit.Proof;

/// <summary>
/// Memory objects on Windows, by the platform's own account: which sections are open, which pages of them were written
/// or seen in the working set, and which of these the system was told to take back.
/// </summary>
/// <remarks>
/// Weaker than what Linux shows. It proves that a page was discarded where and when it should have been, not that the
/// system made use of it; see WorkingSetTests for what proves that.
/// </remarks>
internal static class Sections
{
    /// <summary>Those whose names begin so, with the pages that they take.</summary>
    public static IEnumerable<(string Name, long Pages)> Find(string namePrefix) => Section.All
        .Where(section => section.Name.StartsWith(namePrefix, StringComparison.Ordinal))
        .Select(static section => (section.Name, PagesOf(section)));

    private static long PagesOf(Section section)
    {
        try
        {
            return section.AllocatedBytes / PageContent.Bytes;
        }
        catch (ObjectDisposedException)
        {
            return 0; // its guest is gone, and a pin keeps the memory: nobody may ask any more
        }
    }
}
