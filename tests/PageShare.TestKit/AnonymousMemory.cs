using Mono.Unix.Native;
using PageShare.Platform;

namespace PageShare.TestKit;

/// <summary>Private anonymous memory of a test's own, such as an engine may adopt.</summary>
public sealed unsafe class AnonymousMemory : IDisposable
{
    /// <summary>Maps so many pages.</summary>
    public AnonymousMemory(
        long pages,
        MmapFlags flags = MmapFlags.MAP_PRIVATE,
        MmapProts protection = MmapProts.PROT_READ | MmapProts.PROT_WRITE)
    {
        Length = pages * PageContent.Bytes;
        Assert.SkipUnless(HostPlatform.IsLinux, HostPlatform.Create().WhyNoAdoption ?? "");
        var address = Syscall.mmap(0, (ulong)Length, protection, flags | MmapFlags.MAP_ANONYMOUS, -1, 0);
        Assert.NotEqual(Syscall.MAP_FAILED, address);
        Pointer = (byte*)address;
    }

    /// <summary>First byte.</summary>
    public byte* Pointer { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The bytes of a page.</summary>
    // SAFETY: inside the range for pages that it has, as long as the test keeps this.
    public Span<byte> this[long page] => new(Pointer + (page * PageContent.Bytes), PageContent.Bytes);

    /// <inheritdoc/>
    public void Dispose() => Assert.Equal(0, Syscall.munmap((nint)Pointer, (ulong)Length));
}
