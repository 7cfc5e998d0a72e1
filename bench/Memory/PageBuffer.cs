using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.Bench.Memory;

/// <summary>Private anonymous memory in pages of 4 KiB, never larger ones: what guests have, too.</summary>
internal sealed unsafe class PageBuffer : IDisposable
{
    private const int AdviseNoHugePage = 15;
    private const int AdviseDontNeed = 4;

    private readonly MappedMemory _memory;

    /// <summary>Reserves pages; they take memory at their first touch.</summary>
    public PageBuffer(int pages)
    {
        Pages = pages;
        _memory = HostPlatform.Create().Allocate(Bytes);
        Advise(AdviseNoHugePage);
    }

    /// <summary>How many there are.</summary>
    public int Pages { get; }

    /// <summary>Their bytes.</summary>
    public long Bytes => (long)Pages * PageSize.Bytes;

    /// <summary>First byte, page-aligned.</summary>
    public byte* Start => _memory.Address;

    /// <summary>Page <paramref name="index"/>.</summary>
    // SAFETY: callers pass 0 <= index < Pages, and the memory lives as long as this object.
    public byte* PageAt(int index) => Start + ((long)index * PageSize.Bytes);

    /// <summary>The same as a span.</summary>
    public ReadOnlySpan<byte> this[int index] => new(PageAt(index), PageSize.Bytes);

    /// <summary>Gives every page a content of its own.</summary>
    public void FillUnique(ulong seed)
    {
        var filler = new PageFiller(seed);
        for (var i = 0; i < Pages; i++)
        {
            filler.Fill(PageAt(i), (ulong)i);
        }
    }

    /// <summary>Writes zeros, so that every page has memory of its own and not the kernel's page of zeros.</summary>
    public void FillZero()
    {
        for (var i = 0; i < Pages; i++)
        {
            new Span<byte>(PageAt(i), PageSize.Bytes).Clear();
        }
    }

    /// <summary>Gives the memory back: the next touch of each page is its first.</summary>
    public void Drop() => Advise(AdviseDontNeed);

    /// <summary>madvise(2) over all of it.</summary>
    public void Advise(int advice)
    {
        if (Libc.Advise(Start, (nuint)Bytes, advice) != 0)
        {
            throw new PlatformException("madvise", $"{Pages} pages", Marshal.GetLastPInvokeError());
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
