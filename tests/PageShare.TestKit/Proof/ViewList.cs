using PageShare.Platform.Windows;

namespace PageShare.TestKit.Proof;

/// <summary>What this process has in its address space on Windows, by VirtualQuery: views, placeholders, private
/// memory.</summary>
internal static unsafe class ViewList
{
    private const uint Readable = 0xEE; // READONLY, READWRITE, WRITECOPY and their executable kin
    private const uint Writable = 0xCC;
    private const nuint Valid = 1;
    private const nuint Shared = 1 << 15;

    // SAFETY: addresses are asked about, and not followed; the structures are as long as they are said to be.

    /// <summary>One entry an allocation, with the protection of its first page.</summary>
    public static IEnumerable<ProcessMapping> Read()
    {
        ProcessMapping? current = null;
        nuint allocation = 0;
        for (nuint at = 0; TryQuery(at, out var found); at = found.Start + found.Bytes)
        {
            if (current is not null && found.Allocation == allocation && !found.IsFree)
            {
                current = current with { End = found.Start + found.Bytes };
                continue;
            }

            if (current is not null)
            {
                yield return current;
            }

            allocation = found.Allocation;
            current = found.IsFree
                ? null
                : new ProcessMapping(found.Start, found.Start + found.Bytes, found.Permissions, 0, "");
        }

        if (current is not null)
        {
            yield return current;
        }
    }

    /// <summary>Pages of a range that the system copied for this process alone.</summary>
    public static long CountCopies(byte* start, byte* end)
    {
        var copies = 0L;
        for (var at = start; at < end; at += PageContent.Bytes)
        {
            var entry = new Kernel32.WorkingSetEntry { Address = at };
            Assert.True(Kernel32.QueryWorkingSetEx(
                Kernel32.GetCurrentProcess(), &entry, (uint)sizeof(Kernel32.WorkingSetEntry)));
            copies += (entry.Attributes & (Valid | Shared)) == Valid ? 1 : 0;
        }

        return copies;
    }

    private static bool TryQuery(nuint at, out Part part)
    {
        Kernel32.MemoryBasicInformation found;
        var isKnown = Kernel32.VirtualQuery((byte*)at, &found, (nuint)sizeof(Kernel32.MemoryBasicInformation)) != 0;
        var protection = found.State == Kernel32.MemCommit ? found.Protect : 0;
        part = new Part(
            (nuint)found.BaseAddress,
            found.RegionSize,
            (nuint)found.AllocationBase,
            found.State == Kernel32.MemFree,
            $"{((protection & Readable) != 0 ? 'r' : '-')}{((protection & Writable) != 0 ? 'w' : '-')}-");
        return isKnown;
    }

    private readonly record struct Part(
        nuint Start, nuint Bytes, nuint Allocation, bool IsFree, string Permissions);
}
