using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>Which pages of this process are in its working set. Thread-safe.</summary>
internal static unsafe class WorkingSet
{
    private const int PagesAtOnce = 128;
    private const nuint Valid = 1;

    /// <summary>How many pages from the address on are in the working set. Looking takes none in.</summary>
    /// <exception cref="PlatformException">The system does not tell.</exception>
    public static long CountPages(byte* address, long pages)
    {
        // SAFETY: the addresses are asked about, not followed; the array holds as many entries as are asked for.
        var entries = stackalloc Kernel32.WorkingSetEntry[PagesAtOnce];
        var found = 0L;
        for (var page = 0L; page < pages; page += PagesAtOnce)
        {
            var count = (int)Math.Min(PagesAtOnce, pages - page);
            for (var i = 0; i < count; i++)
            {
                entries[i].Address = address + ((page + i) * Environment.SystemPageSize);
            }

            if (!Kernel32.QueryWorkingSetEx(
                Kernel32.GetCurrentProcess(), entries, (uint)(count * sizeof(Kernel32.WorkingSetEntry))))
            {
                throw new PlatformException("QueryWorkingSetEx", $"{count} pages", Marshal.GetLastPInvokeError());
            }

            for (var i = 0; i < count; i++)
            {
                found += (entries[i].Attributes & Valid) != 0 ? 1 : 0;
            }
        }

        return found;
    }
}
