using System.Net.Sockets;
using Mono.Unix.Native;
using PageShare.Host;
using PageShare.Host.Sockets;
using PageShare.TestKit;

namespace PageShare.UnitTests.Host;

public sealed class SocketFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string SocketName => Path.Combine(_folder.Path, "host.sock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheFilesGoWithTheListener()
    {
        using (SocketFile.Listen(SocketName, isOpenToOthers: false))
        {
            Assert.True(Connects());
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData(false, 0b110_000_000)]
    [InlineData(true, 0b110_110_110)]
    public void TheModeIsThePolicys(bool isOpenToOthers, int mode)
    {
        using var socket = SocketFile.Listen(SocketName, isOpenToOthers);
        Assert.Equal(0, Syscall.stat(SocketName, out var status));
        Assert.Equal((FilePermissions)mode, status.st_mode & FilePermissions.ALLPERMS);
    }

    [Fact]
    public void ASecondHostIsRefusedAndTheFirstGoesOn()
    {
        using var first = SocketFile.Listen(SocketName, isOpenToOthers: false);
        var refusal = Assert.Throws<HostStartException>(() => SocketFile.Listen(SocketName, isOpenToOthers: false));
        Assert.Contains("another host holds", refusal.Message, StringComparison.Ordinal);
        Assert.True(Connects());
    }

    [Fact]
    public void AListenerWithoutTheLockIsFoundByConnecting()
    {
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(SocketName));
        other.Listen(1);
        var refusal = Assert.Throws<HostStartException>(() => SocketFile.Listen(SocketName, isOpenToOthers: false));
        Assert.Contains("listens", refusal.Message, StringComparison.Ordinal);
        Assert.True(Connects());
    }

    [Fact]
    public void TheSocketOfADeadHostIsReplaced()
    {
        // As a killed process leaves it: bound once, and nobody listens.
        var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(SocketName));
        File.Move(SocketName, SocketName + ".moved"); // or .NET would remove the file with the socket
        dead.Dispose();
        File.Move(SocketName + ".moved", SocketName);
        Assert.False(Connects());

        using var socket = SocketFile.Listen(SocketName, isOpenToOthers: false);
        Assert.True(Connects());
    }

    [Fact]
    public void AFileThatIsNoSocketIsLeftAlone()
    {
        File.WriteAllText(SocketName, "precious");
        var refusal = Assert.Throws<HostStartException>(() => SocketFile.Listen(SocketName, isOpenToOthers: false));
        Assert.Contains("is no socket", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(SocketName));
    }

    [Fact]
    public void OfManyThatStartAtOnceOneListens()
    {
        for (var round = 0; round < 20; round++)
        {
            using var ready = new Barrier(4);
            var made = new SocketFile?[4];
            var threads = Enumerable.Range(0, 4).Select(at => new Thread(() =>
            {
                ready.SignalAndWait();
                try
                {
                    made[at] = SocketFile.Listen(SocketName, isOpenToOthers: false);
                }
                catch (HostStartException)
                {
                    // Another one was faster.
                }
            })).ToList();
            threads.ForEach(static thread => thread.Start());
            threads.ForEach(static thread => thread.Join());
            Assert.Single(made, static socket => socket is not null);
            Assert.True(Connects());
            made.Single(static socket => socket is not null)!.Dispose();
        }
    }

    [Fact]
    public void AFolderIsMadeOnlyWhereTheDefaultHasIt()
    {
        var path = Path.Combine(_folder.Path, "pageshare", "host.sock");
        using (SocketFile.Listen(path, isOpenToOthers: false))
        {
            Assert.True(Directory.Exists(Path.GetDirectoryName(path)));
        }

        var refusal = Assert.Throws<HostStartException>(
            () => SocketFile.Listen(Path.Combine(_folder.Path, "elsewhere", "host.sock"), isOpenToOthers: false));
        Assert.Contains("there is no folder", refusal.Message, StringComparison.Ordinal);
    }

    private bool Connects()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(SocketName));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
