using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>What tells one file from all others, whatever descriptor it is reached by.</summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode)
{
    /// <summary>The file behind a descriptor.</summary>
    /// <exception cref="PlatformException">The kernel does not tell.</exception>
    public static FileIdentity Of(SafeHandle file)
    {
        var isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            return Syscall.fstat((int)file.DangerousGetHandle(), out var status) == 0
                ? new FileIdentity(status.st_dev, status.st_ino)
                : throw new PlatformException("fstat", "a descriptor", NativeConvert.FromErrno(Stdlib.GetLastError()));
        }
        finally
        {
            if (isHeld)
            {
                file.DangerousRelease();
            }
        }
    }
}
