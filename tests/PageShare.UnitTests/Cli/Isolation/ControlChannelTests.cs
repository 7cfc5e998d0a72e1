using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using PageShare.Cli.Run;
using PageShare.Cli.Run.Isolation;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Isolation;

/// <summary>The connection between a run and its guests' processes, both ends in this one.</summary>
public sealed class ControlChannelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ControlChannel _run;
    private readonly ControlChannel _guest;

    public ControlChannelTests()
    {
        string path = Path.Combine(_folder.Path, "run.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        _guest = ControlChannel.Connect(path);
        _run = ControlChannel.Of(listener.Accept());
    }

    public void Dispose()
    {
        _run.Dispose();
        _guest.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void MessagesArriveInOrder()
    {
        _guest.Send(ControlKind.Hello, new HelloBody(ForFiles: true), ControlJson.Default.HelloBody);
        _guest.Send(ControlKind.Fetch, new FetchBody(7), ControlJson.Default.FetchBody);

        Assert.True(_run.Receive()!.Read(ControlJson.Default.HelloBody).ForFiles);
        Assert.Equal(7, _run.Receive()!.Read(ControlJson.Default.FetchBody).File);
        Assert.Equal(Environment.ProcessId, _run.PeerProcessId);
    }

    [Fact]
    public void EndOfTheOtherSideIsNoMessage()
    {
        _guest.Dispose();

        Assert.Null(_run.Receive());
    }

    [Fact]
    public void FilesAreFetchedOnceAndKept()
    {
        InputFile[] files = [.. Enumerable.Range(0, 3).Select(Note)];
        using var server = new FileServer(_run, files, "guest");
        using var fetched = new FetchedFiles(_guest);

        foreach (int number in (int[])[2, 0, 2, 1, 2])
        {
            using SafeFileHandle handle = fetched.Open(number);
            byte[] content = new byte[files[number].Length];
            Assert.Equal(content.Length, RandomAccess.Read(handle, content, 0));
            Assert.Equal(File.ReadAllBytes(files[number].Path), content);
        }
    }

    [Fact]
    public void MoreFilesThanAreKeptCanBeReadAgainAndAgain()
    {
        InputFile[] files = [.. Enumerable.Range(0, FetchedFiles.MostKept + 20).Select(Note)];
        using var server = new FileServer(_run, files, "guest");
        using var fetched = new FetchedFiles(_guest);

        for (int number = 0; number < 2 * files.Length; number++)
        {
            using SafeFileHandle handle = fetched.Open(number % files.Length);
            Assert.Equal(files[number % files.Length].Length, RandomAccess.GetLength(handle));
        }
    }

    [Fact]
    public void FileThatIsGoneIsNamed()
    {
        InputFile file = Note(1);
        File.Delete(file.Path);
        using var server = new FileServer(_run, [file], "guest");
        using var fetched = new FetchedFiles(_guest);

        var gone = Assert.Throws<IOException>(() => fetched.Open(0));

        Assert.Contains(file.Path, gone.Message, StringComparison.Ordinal);
    }

    private InputFile Note(int number) =>
        InputFile.Note(new FileInfo(_folder.Write($"file-{number}", new string('x', number + 1))));
}
