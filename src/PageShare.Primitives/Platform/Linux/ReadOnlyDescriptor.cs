using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>Second descriptors that can only read.</summary>
internal static class ReadOnlyDescriptor
{
    /// <summary>Opens the file behind a descriptor anew; a duplicate would be able to write.</summary>
    /// <exception cref="PlatformException">Out of descriptors, or not allowed.</exception>
    public static SafeFileHandle Of(SafeHandle file)
    {
        var isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            var descriptor = Syscall.open(
                $"/proc/self/fd/{file.DangerousGetHandle()}", OpenFlags.O_RDONLY | OpenFlags.O_CLOEXEC);
            return descriptor >= 0
                ? new SafeFileHandle(descriptor, ownsHandle: true)
                : throw new PlatformException(
                    "open", "a memory object, read-only", NativeConvert.FromErrno(Stdlib.GetLastError()),
                    LinuxPlatform.DescriptorAdvice);
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
