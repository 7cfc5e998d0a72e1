using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Cli.Processes;

/// <summary>Who may use files and folders that processes of several users meet at.</summary>
internal static class FileModes
{
    /// <summary>All may read and execute, and only we may write: rwxr-xr-x.</summary>
    public const FilePermissions ReadableByAll = FilePermissions.S_IRWXU
        | FilePermissions.S_IRGRP | FilePermissions.S_IXGRP | FilePermissions.S_IROTH | FilePermissions.S_IXOTH;

    /// <summary>All may pass through a folder to what they know the name of, and only we may look in: rwx--x--x.</summary>
    public const FilePermissions PassableByAll =
        FilePermissions.S_IRWXU | FilePermissions.S_IXGRP | FilePermissions.S_IXOTH;

    /// <summary>All may connect to a socket, which takes the right to write: rw-rw-rw-.</summary>
    public const FilePermissions WritableByAll = FilePermissions.DEFFILEMODE;

    /// <summary>Sets it, whatever the umask.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static void Set(string path, FilePermissions mode) => Require(Syscall.chmod(path, mode), path);

    /// <summary>Makes a folder for us alone, which must not be there yet.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public static void MakePrivateFolder(string path) => Require(Syscall.mkdir(path, FilePermissions.S_IRWXU), path);

    private static void Require(int result, string path)
    {
        if (result != 0)
        {
            int error = NativeConvert.FromErrno(Stdlib.GetLastError());
            throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }
}
