using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>A memory object as a memfd, sealed against shrinking and further seals.</summary>
internal sealed class Memfd : MemoryObject
{
    private const int StatBlockBytes = 512;

    // The kernel takes 249 bytes, and a character may be three of UTF-8.
    private const int LongestName = 80;

    private readonly string _name;

    private Memfd(string name, int descriptor)
    {
        _name = name;
        SetHandle(descriptor);
    }

    /// <inheritdoc/>
    public override long AllocatedBytes
    {
        get
        {
            if (Syscall.fstat(Descriptor, out var status) != 0)
            {
                throw Failure("fstat", _name);
            }

            return status.st_blocks * StatBlockBytes;
        }
    }

    /// <summary>Makes one of the given size.</summary>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    public static Memfd Create(string name, long bytes) =>
        Create(name, bytes, Libc.SealShrink | Libc.SealSeal);

    /// <summary>The same with these seals.</summary>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    public static Memfd Create(string name, long bytes, int seals)
    {
        if (name.Length > LongestName)
        {
            name = name[..LongestName];
        }

        var descriptor = Libc.MemfdCreate(name, Libc.MemfdCloseOnExec | Libc.MemfdAllowSealing);
        if (descriptor < 0)
        {
            throw new PlatformException("memfd_create", name, Marshal.GetLastPInvokeError(), LinuxPlatform.DescriptorAdvice);
        }

        var memory = new Memfd(name, descriptor);
        try
        {
            memory.Grow(bytes);

            // Else a process of another user that was given a read-only descriptor could open it anew for writing.
            if (Syscall.fchmod(descriptor, FilePermissions.S_IRUSR | FilePermissions.S_IWUSR) != 0)
            {
                throw Failure("fchmod", name);
            }

            // A truncated object would turn every access above its end, the scanner's too, into SIGBUS.
            if (Libc.Fcntl(descriptor, Libc.FcntlAddSeals, seals) != 0)
            {
                throw new PlatformException("fcntl(F_ADD_SEALS)", name, Marshal.GetLastPInvokeError());
            }

            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Takes over a descriptor that was checked.</summary>
    public static Memfd Take(SafeHandle descriptor, string name)
    {
        var memory = new Memfd(name, (int)descriptor.DangerousGetHandle());
        descriptor.SetHandleAsInvalid();
        return memory;
    }

    /// <inheritdoc/>
    public override void Grow(long bytes)
    {
        if (Syscall.ftruncate(Descriptor, bytes) != 0)
        {
            throw Failure("ftruncate", $"{_name} to {bytes} bytes");
        }
    }

    /// <inheritdoc/>
    public override MemoryObject OpenReadOnly()
    {
        var descriptor = Syscall.open($"/proc/self/fd/{Descriptor}", OpenFlags.O_RDONLY | OpenFlags.O_CLOEXEC);
        return descriptor >= 0
            ? new Memfd(_name, descriptor)
            : throw Failure("open", $"{_name}, read-only", LinuxPlatform.DescriptorAdvice);
    }

    /// <inheritdoc/>
    public override unsafe bool TryWrite(long offset, byte* source, long bytes)
    {
        // SAFETY: the kernel checks the source itself and answers EFAULT where it can't read; nothing here follows it.
        while (bytes > 0)
        {
            var written = Syscall.pwrite(Descriptor, source, (ulong)bytes, offset);
            if (written < 0)
            {
                var error = Stdlib.GetLastError();
                if (error is Errno.EINTR)
                {
                    continue;
                }

                return error is Errno.ENOSPC or Errno.ENOMEM ? false : throw Failure("pwrite", $"{_name} at {offset}");
            }

            source += written;
            offset += written;
            bytes -= written;
        }

        return true;
    }

    /// <inheritdoc/>
    public override unsafe int Read(long offset, byte* into, int bytes)
    {
        // SAFETY: the kernel checks the target itself; the caller vouches for its length.
        var done = 0;
        while (done < bytes)
        {
            var read = Syscall.pread(Descriptor, into + done, (ulong)(bytes - done), offset + done);
            if (read < 0 && Stdlib.GetLastError() == Errno.EINTR)
            {
                continue;
            }

            if (read <= 0)
            {
                break;
            }

            done += (int)read;
        }

        return done;
    }

    /// <inheritdoc/>
    public override bool TryFindData(long offset, out long start, out long end)
    {
        start = Libc.Seek(this, offset, Libc.SeekData);
        end = start < 0 ? start : Libc.Seek(this, start, Libc.SeekHole);
        return end > start;
    }

    /// <inheritdoc/>
    public override void Punch(long offset, long bytes)
    {
        while (Libc.Fallocate(this, Libc.FallocatePunchHole | Libc.FallocateKeepSize, offset, bytes) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if ((Errno)error != Errno.EINTR)
            {
                throw new PlatformException("fallocate(PUNCH_HOLE)", $"{_name} at {offset}, {bytes} bytes", error);
            }
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Syscall.close(Descriptor) == 0;

    private static PlatformException Failure(string operation, string subject, string? advice = null) =>
        new(operation, subject, NativeConvert.FromErrno(Stdlib.GetLastError()), advice);
}
