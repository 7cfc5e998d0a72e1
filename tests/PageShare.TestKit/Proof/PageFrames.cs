using System.Runtime.InteropServices;
using PageShare.Platform;
using PageShare.Platform.Windows;

namespace PageShare.TestKit.Proof;

/// <summary>Which physical page the kernel shows at an address: /proc/self/pagemap. Windows tells nobody.</summary>
public static unsafe class PageFrames
{
    private const ulong Present = 1UL << 63;
    private const ulong NumberMask = (1UL << 55) - 1;

    /// <summary>Skips the test where the kernel does not tell: it shows numbers to root alone, and zero to
    /// others.</summary>
    public static void RequireVisible()
    {
        Assert.SkipUnless(HostPlatform.IsLinux, "needs Linux: Windows shows no numbers of physical pages.");

        // SAFETY: one page of our own, which lives longer than the look at it.
        var page = (byte*)NativeMemory.AlignedAlloc(PageContent.Bytes, PageContent.Bytes);
        try
        {
            *page = 1;
            Assert.SkipWhen(
                (Entries(page, 1)[0] & NumberMask) == 0,
                "needs root: /proc/self/pagemap shows page-frame numbers as zero to others.");
        }
        finally
        {
            NativeMemory.AlignedFree(page);
        }
    }

    /// <summary>Numbers of the physical pages behind a range. Every page is read first, so that it is there.</summary>
    /// <param name="start">First page; readable as far as asked for.</param>
    /// <param name="pages">How many.</param>
    public static ulong[] Of(byte* start, long pages)
    {
        // SAFETY: the caller's range.
        for (var page = 0L; page < pages; page++)
        {
            _ = Volatile.Read(ref start[page * PageContent.Bytes]);
        }

        var entries = Entries(start, pages);
        for (var page = 0; page < entries.Length; page++)
        {
            Assert.True((entries[page] & Present) != 0, $"Page {page} was read and is not there.");
            entries[page] &= NumberMask;
            Assert.NotEqual(0UL, entries[page]);
        }

        return entries;
    }

    /// <summary>How many pages of a range have memory of this process. Reads nothing of it; needs no
    /// privilege.</summary>
    public static int CountPresent(byte* start, long pages) => HostPlatform.IsLinux
        ? Entries(start, pages).Count(static entry => (entry & Present) != 0)
        : (int)WorkingSet.CountPages(start, pages);

    private static ulong[] Entries(byte* start, long pages)
    {
        var entries = new ulong[pages];
        using var pagemap = File.OpenHandle("/proc/self/pagemap");
        var bytes = MemoryMarshal.AsBytes(entries.AsSpan());
        var offset = (long)((nuint)start / PageContent.Bytes * sizeof(ulong));
        for (int done = 0, read; done < bytes.Length; done += read)
        {
            read = RandomAccess.Read(pagemap, bytes[done..], offset + done);
            Assert.NotEqual(0, read);
        }

        return entries;
    }
}
