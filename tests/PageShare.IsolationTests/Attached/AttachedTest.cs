using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>Tests that count what the process has may not run beside others.</summary>
[CollectionDefinition(nameof(AttachedTest), DisableParallelization = true)]
public sealed class AttachedCollection;

/// <summary>What tests of attached guests begin with: a place for a socket, and hosts that end with the test.</summary>
[Collection(nameof(AttachedTest))]
public abstract class AttachedTest : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<IDisposable> _owned = [];

    protected AttachedTest() => Assert.SkipUnless(
        KernelProbe.IsLinux, "needs Linux: hosts and guests in processes of their own are not there elsewhere.");

    /// <summary>Where the host listens.</summary>
    protected string SocketPath => Path.Combine(_folder.Path, "host.sock");

    /// <summary>As in programs, but for the waits.</summary>
    protected static GuestClientOptions Options { get; } = new()
    {
        Program = "test",
        ReconnectMinimumDelay = TimeSpan.FromMilliseconds(1),
        ReconnectMaximumDelay = TimeSpan.FromMilliseconds(20),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        _folder.Dispose();
        GC.SuppressFinalize(this);
        Assert.Equal(0, PageShare.Attachment.StoreTable.OfProcess.Count);
    }

    /// <summary>Starts a host at the socket.</summary>
    internal TestHost StartHost() => Own(new TestHost(SocketPath));

    /// <summary>Connects to it.</summary>
    protected GuestClient Connect() => Own(GuestClient.Connect(SocketPath, Options));

    /// <summary>Disposes something when the test ends, last first.</summary>
    protected T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    /// <summary>Writes a page of a guest.</summary>
    protected static void Write(MappedGuest guest, long page, PageContent content) =>
        content.WriteTo(guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes));

    /// <summary>Checks a page of a guest, byte for byte.</summary>
    protected static void Expect(MappedGuest guest, long page, PageContent content)
    {
        var bytes = guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes);
        Assert.True(content.IsIn(bytes), $"page {page} is a {PageContent.Describe(bytes)}");
    }
}
