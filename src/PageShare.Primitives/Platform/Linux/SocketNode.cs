using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>The file of a Unix socket and its folder, with their modes from the start.</summary>
internal static class SocketNode
{
    private const FilePermissions Owner = FilePermissions.S_IRUSR | FilePermissions.S_IWUSR;

    private const FilePermissions Everybody =
        Owner | FilePermissions.S_IRGRP | FilePermissions.S_IWGRP | FilePermissions.S_IROTH | FilePermissions.S_IWOTH;

    private const FilePermissions Passable =
        FilePermissions.S_IRGRP | FilePermissions.S_IXGRP | FilePermissions.S_IROTH | FilePermissions.S_IXOTH;

    /// <summary>Whether a path names a socket, and not a link to one.</summary>
    public static bool Exists(string path) =>
        Syscall.lstat(path, out var status) == 0
        && (status.st_mode & FilePermissions.S_IFMT) == FilePermissions.S_IFSOCK;

    /// <summary>Whether there is anything at a path, a link that leads nowhere included.</summary>
    public static bool IsTaken(string path) => Syscall.lstat(path, out _) == 0;

    /// <summary>Lets everybody connect, or the owner alone.</summary>
    /// <exception cref="PlatformException">Not allowed.</exception>
    public static void SetMode(string path, bool isOpenToOthers) =>
        Require(Syscall.chmod(path, isOpenToOthers ? Everybody : Owner), "chmod", path);

    /// <summary>Makes the folder, of mode 0755 or 0700; its own folder must exist.</summary>
    /// <exception cref="PlatformException">Not allowed.</exception>
    public static void MakeFolder(string path, bool isOpenToOthers)
    {
        var mode = FilePermissions.S_IRWXU | (isOpenToOthers ? Passable : 0);
        if (Syscall.mkdir(path, mode) != 0)
        {
            // Somebody else was faster.
            var error = Stdlib.GetLastError();
            if (error != Errno.EEXIST)
            {
                throw new PlatformException("mkdir", path, NativeConvert.FromErrno(error));
            }
        }
        else
        {
            Require(Syscall.chmod(path, mode), "chmod", path); // whatever the umask is
        }
    }

    private static void Require(int result, string operation, string path)
    {
        if (result != 0)
        {
            throw new PlatformException(operation, path, NativeConvert.FromErrno(Stdlib.GetLastError()));
        }
    }
}
