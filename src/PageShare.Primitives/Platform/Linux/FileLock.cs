using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>
/// A file that one process at a time holds. The kernel lets go of it when the process ends, however it does, which a
/// file that merely exists does not.
/// </summary>
internal sealed partial class FileLock : IDisposable
{
    private const int Exclusive = 2;
    private const int NonBlocking = 4;

    private readonly string _path;
    private int _descriptor;

    private FileLock(string path, int descriptor)
    {
        _path = path;
        _descriptor = descriptor;
    }

    /// <summary>Takes it; null if somebody else has it.</summary>
    /// <exception cref="PlatformException">The file can't be made.</exception>
    public static FileLock? TryTake(string path)
    {
        while (true)
        {
            var descriptor = Syscall.open(
                path,
                OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW,
                FilePermissions.S_IRUSR | FilePermissions.S_IWUSR);
            if (descriptor < 0)
            {
                throw new PlatformException("open", path, NativeConvert.FromErrno(Stdlib.GetLastError()));
            }

            if (Flock(descriptor, Exclusive | NonBlocking) != 0)
            {
                _ = Syscall.close(descriptor);
                return null;
            }

            // Its holder removes the file at the end, perhaps between our two calls: then ours is a lock on nothing.
            if (Syscall.fstat(descriptor, out var held) == 0
                && Syscall.stat(path, out var named) == 0
                && held.st_ino == named.st_ino && held.st_dev == named.st_dev)
            {
                return new FileLock(path, descriptor);
            }

            _ = Syscall.close(descriptor);
        }
    }

    /// <summary>Removes the file and lets go.</summary>
    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = Syscall.unlink(_path);
            _ = Syscall.close(_descriptor);
            _descriptor = -1;
        }
    }

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int descriptor, int operation);
}
