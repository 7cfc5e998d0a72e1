using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>A range made by mmap.</summary>
internal sealed unsafe class Mapping : MappedMemory
{
    private Mapping(nint address, long bytes)
    {
        SetHandle(address);
        Length = bytes;
    }

    /// <summary>Maps a range, and keeps it from forked children.</summary>
    /// <exception cref="PlatformException">The kernel refused.</exception>
    public static Mapping Create(long bytes, MmapProts protection, MmapFlags flags, int descriptor, string purpose)
    {
        var address = Syscall.mmap(0, (ulong)bytes, protection, flags, descriptor, 0);
        if (address == Syscall.MAP_FAILED)
        {
            throw new PlatformException("mmap", $"{bytes} bytes for {purpose}", NativeConvert.FromErrno(Stdlib.GetLastError()),
                "Too many mappings or too little address space: see 'sysctl vm.max_map_count' and 'ulimit -v'.");
        }

        // SAFETY: the range was just mapped and nobody else knows it. The advice can't fail for a whole fresh mapping.
        _ = Libc.Advise((byte*)address, (nuint)bytes, Libc.AdviseDontFork);
        return new Mapping(address, bytes);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Syscall.munmap(handle, (ulong)Length) == 0;
}
