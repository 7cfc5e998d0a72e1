using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Bench.Memory;

/// <summary>
/// The kernel's marks of written pages, taken and set anew and nothing else: the limit of a pass that looks only at
/// what was written.
/// </summary>
internal static unsafe class KernelMarks
{
    /// <summary>
    /// CPU seconds to take the marks of all pages of guests; null where the kernel sets none. Whoever scans the guests
    /// does not hear of these writes any more: nobody may scan meanwhile.
    /// </summary>
    /// <param name="guests">The guests.</param>
    public static double? TakeSeconds(IEnumerable<MappedGuest> guests)
    {
        var nanoseconds = 0L;
        foreach (var guest in guests)
        {
            var pages = guest.Length / PageSize.Bytes;
            var bits = new ulong[(pages + 63) / 64];
            Array.Fill(bits, 0UL); // touches its memory

            // SAFETY: a bit a page, of which the shim sets some, during the call only.
            fixed (ulong* first = bits)
            {
                var began = Shim.ThreadCpuNanoseconds();
                var found = Shim.FindWritten(guest.Handle, 0, (ulong)pages, first);
                nanoseconds += Shim.ThreadCpuNanoseconds() - began;
                if (found < 0)
                {
                    return null;
                }
            }
        }

        return nanoseconds / 1e9;
    }
}
