using System.Globalization;
using Mono.Unix.Native;
using PageShare.IsolationTests.Hosting;
using PageShare.IsolationTests.Isolated;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>
/// A guest gives its memory to a host of its own user, of root, or of a user that it names, and to nobody else who
/// listens at the socket's path.
/// </summary>
public sealed class HostUserTests : AttachedTest
{
    private const uint Stranger = 64_002;
    private const int Pages = 16;
    private const long Bytes = Pages * PageContent.Bytes;

    /// <summary>Serves everybody, root included.</summary>
    private const string ForAll = """{ "users": { "*": { "operator": true } } }""";

    private readonly TemporaryFolder _folder;

    public HostUserTests() => _folder = Own(new TemporaryFolder());

    [Fact]
    public void WhoIsNotNamedIsLeftBeforeAnythingIsSaid()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.StartAs(_folder, Stranger, program, ForAll);
        var thrown = Assert.Throws<HostUnavailableException>(() => GuestClient.Connect(host.Socket, Options));
        Assert.Contains("User 64002 listens at", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("HostUsers = [64002]", thrown.Message, StringComparison.Ordinal);

        var client = Own(GuestClient.Connect(host.Socket, Options with { HostUsers = [Stranger] }));
        Write(client.Allocate("guest", Bytes), 0, PageContent.Unique(1));
        Until.True(() => WasGreetedBy(host), "the host knows who has connected");
    }

    [Fact]
    public void RootsHostIsEveryonesHost()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder, configuration: ForAll);
        using var guest = GuestProcess.StartAs(host, program, Stranger);
        guest.Do("allocate guest 1048576");
    }

    [Fact]
    public void WhoTakesTheSocketOfAHostThatHasGoneGetsNothing()
    {
        var program = RequireOtherUsers();
        var host = HostProcess.Start(_folder, configuration: ForAll);
        var client = Own(GuestClient.Connect(host.Socket, Options));
        var guest = client.Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        host.Kill();
        host.Dispose();
        RemoveSocket();
        var squatter = Own(HostProcess.StartAs(_folder, Stranger, program, ForAll));
        Until.True(
            () => client.Problem?.Contains("User 64002", StringComparison.Ordinal) ?? false, "the client sees who it is");
        Assert.Equal(GuestClientState.Reconnecting, client.State);
        Assert.False(guest.IsAttached);
        Assert.Empty(squatter.Status().Processes);
        squatter.Kill();
        Assert.False(WasGreetedBy(squatter));

        RemoveSocket();
        using var next = HostProcess.Start(_folder, configuration: ForAll);
        Until.True(() => guest.IsAttached, "the host of its own user has the guest");
        Expect(guest, 0, PageContent.Unique(1));
    }

    /// <summary>Whether this process has told the host who it is, other than as an operator.</summary>
    private static bool WasGreetedBy(HostProcess host) => host.Log.Contains(
        string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId}: {Options.Program}."),
        StringComparison.Ordinal);

    private void RemoveSocket()
    {
        foreach (var file in Directory.GetFiles(_folder.Path, "host.sock*"))
        {
            File.Delete(file);
        }
    }

    /// <summary>The probe where other users can read it, and a folder in which they can make files; skips where this
    /// user can't become them.</summary>
    private string RequireOtherUsers()
    {
        Assert.SkipUnless(
            StagedProbe.CanBecomeOthers, "needs root and setpriv (util-linux): hosts and guests of other users.");
        var program = StagedProbe.Stage(_folder);
        Assert.Equal(0, Syscall.chmod(_folder.Path, (FilePermissions)0b111_111_111));
        return program;
    }
}
