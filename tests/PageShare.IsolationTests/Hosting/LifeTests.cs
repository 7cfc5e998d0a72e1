using System.Net.Sockets;
using System.Text;
using PageShare.Host;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Hosting;

/// <summary>How guests and hosts come and go.</summary>
public sealed class LifeTests : IDisposable
{
    private const int Pages = 256;
    private const string Bytes = "1048576";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheDeathOfAGuestFreesWhatItHadAndLeavesTheOthersAlone()
    {
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a");
        using var b = GuestWith(host, "b");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share");
        b.Kill();
        Until.True(() => host.Status().Processes.Count == 1, "the host has noticed");
        a.Do($"check a 0 {Pages} 7");
        Assert.DoesNotContain(MemoryObjects.NamesOf(host.ProcessId), static name =>
            name.EndsWith(":b", StringComparison.Ordinal));

        a.Kill();
        Until.True(() => host.Status().Processes.Count == 0, "the host has noticed");
        Until.True(() => host.AllocatedPages == 0, "no page is left allocated");
    }

    [Fact]
    public void FreedGuestsLeaveNothingBehind()
    {
        using var host = HostProcess.Start(_folder);
        using var guest = GuestProcess.Start(host);
        guest.Do($"allocate first {Bytes}");
        guest.Do("free first");
        var descriptors = host.DescriptorCount;
        for (var round = 0; round < 30; round++)
        {
            guest.Do($"allocate again {Bytes}");
            guest.Do($"fill again 0 {Pages} {round}");
            guest.Do("free again");
        }

        Until.True(() => host.AllocatedPages == 0, "no page is left allocated");
        Until.True(() => host.DescriptorCount <= descriptors, "no descriptor is left open");
    }

    [Fact]
    public void ALostConnectionKeepsFramesUntilTheSameProcessComesBack()
    {
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a");
        using var b = GuestWith(host, "b");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share");
        var id = host.Status().Processes.Single(static process => process.Name == "b").GuestId;
        for (var round = 0; round < 5; round++)
        {
            var resumed = Count(host.Log, "resumed over a new connection");
            b.Do("break-connection");
            Until.True(() => Count(host.Log, "resumed over a new connection") > resumed, "b has come back");
        }

        Until.True(() => bool.Parse(b.Do("attached b")), "b knows");
        var status = host.Status();
        Assert.Equal(Pages, status.Engine.Totals.PagesSharing);
        Assert.Equal(id, status.Processes.Single(static process => process.Name == "b").GuestId);
        b.Do($"check b 0 {Pages} 7");

        // It still shares what it writes from now on.
        a.Do($"fill a 0 {Pages} 9");
        b.Do($"fill b 0 {Pages} 9");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share anew");
        b.Do($"check b 0 {Pages} 9");
    }

    [Fact]
    public void AnEndedHostLeavesGuestsEveryByteAndRemovesItsFiles()
    {
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a");
        using var b = GuestWith(host, "b");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share");
        Assert.Equal(0, host.Stop());
        Assert.Contains("Stopped.", host.Log, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
        a.Do($"check a 0 {Pages} 7");
        b.Do("fill b 3 9 8");
        b.Do("check b 3 9 8");
        a.Do($"check a 0 {Pages} 7");
        b.Do($"check b 12 {Pages - 12} 7");
    }

    [Fact]
    public void ANewHostOnTheSamePathGoesOnWithTheGuestsOfAKilledOne()
    {
        using var killed = HostProcess.Start(_folder);
        using var a = GuestWith(killed, "a");
        using var b = GuestWith(killed, "b");
        Until.True(() => killed.Status().Engine.Totals.PagesSharing == Pages, "a and b share");
        killed.Kill();
        Assert.True(File.Exists(killed.Socket));

        using var host = HostProcess.Start(_folder);
        Until.True(() => host.Status().Processes.Count == 2, "both have come");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "they share in the new store");
        a.Do($"check a 0 {Pages} 7");
        b.Do($"check b 0 {Pages} 7");
        b.Do($"fill b 0 {Pages} 8");
        a.Do($"check a 0 {Pages} 7");
        b.Do($"check b 0 {Pages} 8");
    }

    [Fact]
    public void SystemdIsToldWhenTheHostIsReadyAndWhenItStops()
    {
        var path = Path.Combine(_folder.Path, "notify");
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        systemd.Bind(new UnixDomainSocketEndPoint(path));
        systemd.ReceiveTimeout = 60_000; // only so that a test that fails ends
        var message = new byte[1024];
        using var host = HostProcess.StartWith(_folder, new Dictionary<string, string> { ["NOTIFY_SOCKET"] = path });
        var ready = Encoding.UTF8.GetString(message, 0, systemd.Receive(message));
        Assert.StartsWith("READY=1\n", ready, StringComparison.Ordinal);
        Assert.Equal(0, host.Stop());
        Assert.Equal("STOPPING=1", Encoding.UTF8.GetString(message, 0, systemd.Receive(message)));
    }

    [Fact]
    public void ASecondHostIsRefusedWithAReasonAndTheFirstGoesOn()
    {
        using var host = HostProcess.Start(_folder);
        var (code, log) = HostProcess.Fail(_folder);
        Assert.Equal(1, code);
        Assert.Contains("another host holds", log, StringComparison.Ordinal);
        Assert.Empty(host.Status().Processes);
    }

    [Fact]
    public void AnOperatorPausesResumesUnsharesAndLooksIntoGuests()
    {
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a");
        using var b = GuestWith(host, "b");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share");
        using var client = StatusClient.Connect(host.Socket);
        client.Control(ControlAction.Pause, null);
        client.Control(ControlAction.Unshare, "b");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == 0, "b has copies of its own");
        b.Do($"check b 0 {Pages} 7");
        using (var contents = client.GetContents("b"))
        {
            Assert.Equal(Pages, contents.Pages);
            Assert.Equal(Pages, contents.Kinds.Length);
            Assert.DoesNotContain('s', contents.Kinds);
            var bytes = new byte[4096];
            Assert.Equal(4096, RandomAccess.Read(contents.Backing!, bytes, 0));
            Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(contents.Backing!, bytes, 0));
        }

        client.Control(ControlAction.Resume, null);
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "a and b share again");
        Assert.Equal(
            RefusalCode.NotFound,
            Assert.Throws<RefusedException>(() => client.Control(ControlAction.Pause, "nobody")).Code);
    }

    private static GuestProcess GuestWith(HostProcess host, string name)
    {
        var guest = GuestProcess.Start(host);
        guest.Do($"allocate {name} {Bytes}");
        guest.Do($"fill {name} 0 {Pages} 7");
        return guest;
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
