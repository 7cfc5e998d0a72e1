using Mono.Unix.Native;
using PageShare.Memory;
using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.UnitTests.Fault;

/// <summary>
/// What a guest in fault mode Kernel maps: a private, writable view of a frame store that is open for reading.
/// </summary>
internal sealed unsafe class KernelView : IDisposable
{
    private const int AdviseDontNeed = 4;

    private readonly MemoryObject _memory;
    private readonly MemoryObject _reader;
    private readonly Mapping _view;

    public KernelView(int pages)
    {
        var bytes = (long)pages * PageSize.Bytes;
        _memory = new LinuxPlatform().CreateMemoryObject("kernel-view", bytes);
        _reader = _memory.OpenReadOnly();
        _view = Mapping.Create(
            bytes, MmapProts.PROT_READ | MmapProts.PROT_WRITE, MmapFlags.MAP_PRIVATE, _reader.Descriptor, "a test");
    }

    public byte* Start => _view.Address;

    public nuint AddressOf(long page) => (nuint)Start + (nuint)(page * PageSize.Bytes);

    // SAFETY: the tests stay inside the view, which they dispose last.
    public void Write(long page) => Volatile.Write(ref *(byte*)AddressOf(page), 1);

    public byte Read(long page) => Volatile.Read(ref *(byte*)AddressOf(page));

    /// <summary>Throws the kernel's copy away, as settling does.</summary>
    public void Drop(long page) =>
        Assert.Equal(0, Libc.Advise((byte*)AddressOf(page), PageSize.Bytes, AdviseDontNeed));

    public void Dispose()
    {
        _view.Dispose();
        _reader.Dispose();
        _memory.Dispose();
    }
}
