using PageShare.Host;
using PageShare.IsolationTests.Hosting;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// Hosts that follow one another on a socket, and the oracle guests that go from each to the next. After each succession
/// it can be seen that all is as before: bytes, counts, frames, and what the kernel holds for host and guests.
/// </summary>
internal sealed class HostSuccession : IDisposable
{
    private const int Count = 3;
    private const int Pages = 512;

    private readonly TemporaryFolder _folder;
    private readonly string[] _files;
    private readonly string[] _objectsOfHost;
    private readonly string[] _objectsOfGuest;
    private OldStores _former;

    /// <summary>Starts a host and guests, and has them share all their pages.</summary>
    /// <param name="folder">For the socket, and nothing else.</param>
    /// <param name="mode">Fault mode of the guests.</param>
    public HostSuccession(TemporaryFolder folder, FaultMode mode)
    {
        _folder = folder;
        Host = HostProcess.Start(folder, KillCount.Limits);
        try
        {
            Guests = new OracleGuests(Host.Socket, Count, Pages, mode);
            Guests.ShareExactly(Host);
            _former = new OldStores(Host);
            _files = FilesOf(folder);
            _objectsOfHost = ObjectsOf(Host.ProcessId);
            _objectsOfGuest = ObjectsOf(Victim.ProcessId);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The host now.</summary>
    public HostProcess Host { get; private set; }

    public OracleGuests Guests { get; }

    /// <summary>The guest that is held somewhere.</summary>
    public TalkingProcess Victim => Guests.All[0];

    /// <summary>The guests that are not.</summary>
    public IEnumerable<TalkingProcess> Others => Guests.All.Skip(1);

    /// <summary>Has all guests written anew with equal contents, while the victim is left alone by the host.</summary>
    public void RewriteWithVictimPaused()
    {
        Control(ControlAction.Pause);
        Guests.RewriteAll();
    }

    /// <summary>Has an operator do something to the victim.</summary>
    public void Control(ControlAction action)
    {
        using var client = StatusClient.Connect(Host.Socket);
        client.Control(action, OracleGuests.NameOf(0));
    }

    /// <summary>Has an operator unshare the victim, which may never be answered: the host is going to die.</summary>
    public Actor UnshareVictim() => Actor.Start("operator", () =>
    {
        try
        {
            Control(ControlAction.Unshare);
        }
        catch (IOException)
        {
            // It has died.
        }
    });

    /// <summary>The host dies by SIGKILL, and the next one begins.</summary>
    public void Succeed()
    {
        Host.Kill();
        Host.Dispose();
        Host = HostProcess.Start(_folder, KillCount.Limits);
    }

    /// <summary>The same while all guests are stopped: they have not reached the new host when this returns.</summary>
    public void SucceedUnseen()
    {
        foreach (var guest in Guests.All)
        {
            guest.Freeze();
        }

        Succeed();
    }

    /// <summary>
    /// Stops the writers and checks all: every byte; exact counts and frames; of former hosts no store, object, descriptor
    /// or file is left.
    /// </summary>
    public void IsWhole()
    {
        Guests.StopWritersAndCheck();
        Guests.ShareExactly(Host);
        var processes = Guests.All.Select(static guest => guest.ProcessId).Append(Host.ProcessId).ToList();
        Until.True(() => !_former.AreHeldBy(processes), "nobody maps a page of the old store or has it open");
        Until.True(
            () => ObjectsOf(Host.ProcessId).SequenceEqual(_objectsOfHost), "the new host has what the first one had");
        Until.True(
            () => ObjectsOf(Victim.ProcessId).SequenceEqual(_objectsOfGuest), "the guest has what it had at first");
        Assert.Equal(_files, FilesOf(_folder));
        _former = new OldStores(Host);
    }

    public void Dispose()
    {
        Guests?.Dispose();
        Host.Dispose();
    }

    private static string[] ObjectsOf(int process) => [.. MemoryObjects.NamesOf(process)];

    private static string[] FilesOf(TemporaryFolder folder) => [.. Directory.GetFileSystemEntries(folder.Path).Order()];
}
