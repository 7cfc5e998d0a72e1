using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Bench.Memory;

/// <summary>XxHash3 over a guest's memory: the limit of a pass that has to look at every page.</summary>
internal static class HashSpeed
{
    /// <summary>Nanoseconds of processor time a page, as of passes; the better of two rounds.</summary>
    public static double NanosecondsPerPage(MappedGuest guest)
    {
        var hasher = new XxHash3PageHasher(seed: 42);
        var best = long.MaxValue;
        for (var round = 0; round < 2; round++)
        {
            var began = Shim.ThreadCpuNanoseconds();
            var all = 0u;
            for (var offset = 0L; offset < guest.Length; offset += PageSize.Bytes)
            {
                all ^= hasher.Hash(guest.AsSpan(offset, PageSize.Bytes));
            }

            GC.KeepAlive(all);
            best = Math.Min(best, Shim.ThreadCpuNanoseconds() - began);
        }

        return (double)best * PageSize.Bytes / guest.Length;
    }
}
