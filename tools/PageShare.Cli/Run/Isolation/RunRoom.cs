using System.Net.Sockets;
using PageShare.Cli.Processes;

namespace PageShare.Cli.Run.Isolation;

/// <summary>Where the processes of a run meet: a folder with the host's socket, the run's own one, and, if guests have
/// users of their own, the program.</summary>
internal sealed class RunRoom : IDisposable
{
    private const string Prefix = "pageshare-run-";

    // The kernel takes 107 bytes for the path of a socket.
    private const int LongestParent = 60;

    private readonly TemporaryTree _tree;
    private readonly Lock _gate = new();
    private Socket? _listener;
    private IReadOnlyList<GuestProcess> _guests = []; // guard: the gate

    private RunRoom(TemporaryTree tree, RunUsers users)
    {
        _tree = tree;
        Users = users;
    }

    /// <summary>The users of the guests.</summary>
    public RunUsers Users { get; }

    /// <summary>The folder.</summary>
    public string Folder => _tree.Path;

    /// <summary>Where guests' processes connect to.</summary>
    public string ControlPath => Path.Combine(Folder, "run.sock");

    /// <summary>Makes it.</summary>
    /// <param name="guests">How many users are needed.</param>
    public static RunRoom Create(int guests)
    {
        // A temporary folder of our user alone is of no use to others; then it is the one of all.
        string[] parents = [.. new[] { Path.GetTempPath(), "/tmp" }
            .Select(parent => Path.TrimEndingDirectorySeparator(Path.GetFullPath(parent)))
            .Where(parent => parent.Length <= LongestParent && Directory.Exists(parent))
            .Distinct()];
        for (int i = 0; ; i++)
        {
            TemporaryTree tree = Attempts.Try(
                "a folder for the sockets of host and guests can't be made", () => TemporaryTree.Create(parents[i], Prefix));
            try
            {
                FileModes.Set(tree.Path, FileModes.PassableByAll);
                var users = RunUsers.Choose(guests, tree.Path);
                if (users.AreOwn || !users.MayBeOwnElsewhere || i + 1 >= parents.Length)
                {
                    return new RunRoom(tree, users);
                }

                tree.Dispose();
            }
            catch
            {
                tree.Dispose();
                throw;
            }
        }
    }

    /// <summary>Begins to take connections of guests' processes, which are started meanwhile.</summary>
    public void Listen(Func<IReadOnlyList<GuestProcess>> start)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener = listener;
        listener.Bind(new UnixDomainSocketEndPoint(ControlPath));
        if (Users.AreOwn)
        {
            // Who it is that connects, the kernel says.
            FileModes.Set(ControlPath, FileModes.WritableByAll);
        }

        listener.Listen(backlog: 2 * RunOptions.MostGuests);
        new Thread(() => Accept(listener)) { Name = "guests' connections", IsBackground = true }.Start();
        lock (_gate)
        {
            // Nobody is accepted before all are known.
            _guests = start();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener?.Dispose();
        _tree.Dispose();
    }

    private void Accept(Socket listener)
    {
        try
        {
            while (true)
            {
                ControlChannel channel = ControlChannel.Of(listener.Accept());
                if (FindGuest(channel.PeerProcessId) is GuestProcess guest)
                {
                    guest.Accept(channel);
                }
                else
                {
                    channel.Dispose();
                }
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private GuestProcess? FindGuest(int processId)
    {
        lock (_gate)
        {
            return _guests.FirstOrDefault(guest => guest.Id == processId);
        }
    }
}
