using System.Globalization;
using Microsoft.Win32.SafeHandles;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>What a guest can do to the memory that it was given.</summary>
internal static unsafe class MemoryAttacks
{
    private const int AddSeals = 1033;
    private const int PunchHole = 3;
    private const int AnySeal = 0x1f; // seal, shrink, grow, write, future write

    /// <summary>
    /// Truncates, seals and punches all that it may write. What changes a size or a seal must be refused, or the host
    /// would die of its own look at it; holes are the guest's own business.
    /// </summary>
    public static string Mutilate(RawGuest guest)
    {
        var done = new List<string>();
        foreach (var (name, memory) in new[]
        {
            ("backing", guest.Backing), ("table", guest.Table), ("ring", guest.Ring),
        })
        {
            var descriptor = Kernel.Number(memory);
            var bytes = (nint)RandomAccess.GetLength(memory);
            Note(done, $"{name} shrunk", Kernel.Truncate(descriptor, 0) == 0);
            Note(done, $"{name} shrunk by a page", Kernel.Truncate(descriptor, bytes - PageContent.Bytes) == 0);
            Note(done, $"{name} grown", Kernel.Truncate(descriptor, bytes + PageContent.Bytes) == 0);
            Note(done, $"{name} grown by a write", Kernel.WriteAt(descriptor, guest.Pages, 1, bytes) == 1);
            for (var seal = 1; seal <= AnySeal; seal <<= 1)
            {
                Note(done, $"{name} sealed with {seal}", Kernel.Control(descriptor, AddSeals, seal) == 0);
            }

            Note(done, $"{name} not punched", Kernel.Allocate(descriptor, PunchHole, 0, bytes) != 0);
            Note(done, $"{name} has another size", RandomAccess.GetLength(memory) != bytes);
        }

        return string.Join(", ", done);
    }

    /// <summary>Reads every page of the store by a mapping, which gives memory to its holes.</summary>
    /// <returns>How many pages it has.</returns>
    public static string ReadHoles(RawGuest guest)
    {
        var bytes = RandomAccess.GetLength(guest.Store);
        var view = Kernel.Map(guest.Store, bytes, PlainMemory.ProtectRead);

        // SAFETY: the view is as long as the object is now, which is never shrunk.
        var sum = 0L;
        for (var at = 0L; at < bytes; at += PageContent.Bytes)
        {
            sum += Volatile.Read(ref view[at]);
        }

        GC.KeepAlive(sum);
        PlainMemory.Unmap(view, bytes);
        return (bytes / PageContent.Bytes).ToString(CultureInfo.InvariantCulture);
    }

    private static void Note(List<string> done, string what, bool holds)
    {
        if (holds)
        {
            done.Add(what);
        }
    }
}
