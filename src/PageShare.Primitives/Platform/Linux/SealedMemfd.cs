using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>Memory objects for two processes: memfds whose seals fix their size.</summary>
internal sealed class SealedMemfd : IProcessSharing
{
    private const int FixedSize = Libc.SealShrink | Libc.SealGrow | Libc.SealSeal;

    /// <inheritdoc/>
    public MemoryObject CreateSealed(string name, long bytes) => Memfd.Create(name, bytes, FixedSize);

    /// <inheritdoc/>
    public MemoryObject Accept(SafeHandle descriptor, string name, long? bytes, bool isWritten)
    {
        if (descriptor.IsInvalid || descriptor.IsClosed)
        {
            throw new UntrustedMemoryException($"The {name} has no descriptor.");
        }

        var number = (int)descriptor.DangerousGetHandle();
        CheckKind(number, name, bytes is null ? Libc.SealShrink | Libc.SealSeal : FixedSize);
        CheckSize(number, name, bytes);
        var flags = Libc.Fcntl(number, Libc.FcntlGetFlags, 0);
        var needed = isWritten ? (int)OpenFlags.O_RDWR : (int)OpenFlags.O_RDONLY;
        if (flags < 0 || ((flags & Libc.AccessMode) != (int)OpenFlags.O_RDWR && (flags & Libc.AccessMode) != needed)
            || (flags & Libc.OpenPath) != 0)
        {
            throw new UntrustedMemoryException($"The {name} was not opened for what it is needed for.");
        }

        return Memfd.Take(descriptor, name);
    }

    /// <summary>
    /// A file on tmpfs with these seals. Seals are what memfd_create alone can give, so this is no file of a
    /// size-limited mount, whose holes would end whoever reads them in SIGBUS; memory of huge pages is none of tmpfs.
    /// </summary>
    private static void CheckKind(int number, string name, int neededSeals)
    {
        var seals = Libc.Fcntl(number, Libc.FcntlGetSeals, 0);
        if (seals < 0)
        {
            throw new UntrustedMemoryException($"The {name} is no memory object.");
        }

        if ((seals & neededSeals) != neededSeals)
        {
            throw new UntrustedMemoryException($"The {name} is not sealed against changes of its size (seals 0x{seals:x}).");
        }

        if ((seals & (Libc.SealWrite | Libc.SealFutureWrite)) != 0)
        {
            throw new UntrustedMemoryException($"The {name} is sealed against writing (seals 0x{seals:x}).");
        }

        if (Libc.FileSystemOf(number) != Libc.TmpfsMagic)
        {
            throw new UntrustedMemoryException($"The {name} is not ordinary memory.");
        }
    }

    private static void CheckSize(int number, string name, long? bytes)
    {
        if (Syscall.fstat(number, out var status) != 0
            || (status.st_mode & FilePermissions.S_IFMT) != FilePermissions.S_IFREG)
        {
            throw new UntrustedMemoryException($"The {name} is no memory object.");
        }

        if (bytes is { } needed && status.st_size != needed)
        {
            throw new UntrustedMemoryException($"The {name} has {status.st_size} bytes and must have {needed}.");
        }
    }
}
