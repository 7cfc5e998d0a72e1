using System.Net.Sockets;
using PageShare.Host.Configuration;
using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.Host.Sockets;

/// <summary>The host's listening socket and its file.</summary>
/// <remarks>
/// The problem: a host that was killed leaves its socket file, which nobody can bind again; but the file of a live host
/// looks the same, and of two hosts that start at once each could take the other's new file for a stale one. So a host
/// holds a lock on a file beside the socket as long as it lives, and only who has the lock looks at the socket, removes
/// it and binds. The kernel lets go of a dead host's lock. Whoever listens without the lock is found by connecting.
/// </remarks>
internal sealed class SocketFile : IDisposable
{
    private const int Backlog = 512;

    private readonly FileLock _lock;
    private readonly string _path;

    private SocketFile(FileLock fileLock, string path, Socket socket)
    {
        _lock = fileLock;
        _path = path;
        Socket = socket;
    }

    /// <summary>It listens.</summary>
    public Socket Socket { get; }

    /// <summary>Binds and listens.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="isOpenToOthers">Whether other users may connect; who they are is asked when they do.</param>
    /// <exception cref="HostStartException">A host is there already, or the path can't be used.</exception>
    public static SocketFile Listen(string path, bool isOpenToOthers)
    {
        try
        {
            MakeFolder(path, isOpenToOthers);
            var held = FileLock.TryTake(path + ".lock")
                ?? throw new HostStartException($"another host holds {path} (its lock file is {path}.lock)");
            try
            {
                RemoveStale(path);
                return new SocketFile(held, path, Bind(path, isOpenToOthers));
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SocketException)
        {
            throw new HostStartException($"the socket {path} can't be made: {failure.Message}", failure);
        }
    }

    /// <summary>Ends listening and removes the files. While the lock is held nobody else's file can be
    /// there.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        File.Delete(_path);
        _lock.Dispose();
    }

    private static Socket Bind(string path, bool isOpenToOthers)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));

            // Before it listens: until then nobody can connect, whatever mode the file was made with.
            SocketNode.SetMode(path, isOpenToOthers);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RemoveStale(string path)
    {
        if (!SocketNode.IsTaken(path))
        {
            return;
        }

        if (!SocketNode.Exists(path))
        {
            throw new HostStartException($"{path} exists and is no socket: remove it, or name another path");
        }

        if (IsAnswered(path))
        {
            throw new HostStartException($"a process listens at {path} already");
        }

        File.Delete(path);
    }

    private static bool IsAnswered(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Blocking = false;
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException refusal)
        {
            // A full queue (EAGAIN) is a listener too.
            return refusal.SocketErrorCode is not SocketError.ConnectionRefused;
        }
    }

    private static void MakeFolder(string path, bool isOpenToOthers)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (Directory.Exists(folder))
        {
            return;
        }

        if (!SocketPath.IsInDefaultFolder(path))
        {
            throw new HostStartException($"there is no folder {folder}");
        }

        SocketNode.MakeFolder(folder, isOpenToOthers || Environment.IsPrivilegedProcess);
    }
}
