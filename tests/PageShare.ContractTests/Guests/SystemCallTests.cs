using System.Net;
using System.Net.Sockets;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.ContractTests.Guests;

/// <summary>System calls that write into shared pages, with pins and without.</summary>
public sealed class SystemCallTests : EngineTest
{
    private const int Pages = 32;
    private const int First = 4;
    private const int Count = 3 * PageContent.Bytes;

    private readonly byte[] _bytes = new byte[64 * 1024];
    private TemporaryFolder _folder = null!;
    private OracleGuest _guest = null!;
    private TestEngine _engine = null!;

    private Microsoft.Win32.SafeHandles.SafeFileHandle Begin(FaultMode mode)
    {
        _folder = Own(new TemporaryFolder());
        Seeds.Create().NextBytes(_bytes);
        _engine = Start(mode);
        _guest = _engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        _engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
        return File.OpenHandle(_folder.Write("input", _bytes), options: FileOptions.DeleteOnClose);
    }

    [Theory, BothModes]
    public void ReadFromFillsSharedPages(FaultMode mode)
    {
        using var file = Begin(mode);
        Assert.Equal(Count, _guest.Guest.ReadFrom(file, 100, (First * PageContent.Bytes) + 50, Count));
        Holds(fileOffset: 100, offset: (First * PageContent.Bytes) + 50, Count);
        Assert.Equal(0, _guest.Guest.ReadFrom(file, _bytes.Length, 0, 100)); // the end of the file
        Assert.Equal(10, _guest.Guest.ReadFrom(file, _bytes.Length - 10, 0, 100));
        Holds(_bytes.Length - 10, 0, 10);
        EndsUnpinned();
    }

    [Fact]
    public void InSignalModeAReadWithoutAPinFailsAndHarmsNothing()
    {
        using var file = Begin(FaultMode.Signal);
        var thrown = Assert.Throws<IOException>(() => RandomAccess.Read(file, _guest.Guest.AsSpan(0, Count), 0));
        var reason = HostPlatform.IsLinux ? "Bad address" : "No access to memory location";
        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
        using (_guest.Guest.PinWritable(0, Count))
        {
            Assert.Equal(Count, RandomAccess.Read(file, _guest.Guest.AsSpan(0, Count), 0));
        }

        Holds(0, 0, Count);
        EndsUnpinned();
    }

    [Fact]
    public void InKernelModeAReadWithoutAPinFillsSharedPages()
    {
        using var file = Begin(FaultMode.Kernel);
        Assert.Equal(Count, RandomAccess.Read(file, _guest.Guest.AsSpan(First * PageContent.Bytes, Count), 0));
        Holds(0, First * PageContent.Bytes, Count);
        _engine.Scan();
        EndsUnpinned();
    }

    [Theory, BothModes]
    public void SystemCallsThatOnlyReadGuestMemoryNeedNothing(FaultMode mode)
    {
        using var file = Begin(mode);
        using var output = File.OpenHandle(
            Path.Combine(_folder.Path, "output"), FileMode.CreateNew, FileAccess.ReadWrite);
        RandomAccess.Write(output, _guest.Guest.AsSpan(), 0);
        var written = new byte[_guest.Guest.Length];
        Assert.Equal(written.Length, RandomAccess.Read(output, written, 0));
        Assert.True(_guest.Guest.AsSpan().SequenceEqual(written));
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
    }

    [Fact]
    public async Task AsynchronousReadsNeedAPinAsWell()
    {
        // .NET reads on a pool's thread here and pins no memory for it, so a guest's memory does not hear of the read.
        using var file = Begin(FaultMode.Signal);
        var cancellation = TestContext.Current.CancellationToken;
        var memory = _guest.Guest.AsMemory(First * PageContent.Bytes, Count);
        await Assert.ThrowsAsync<IOException>(async () => await RandomAccess.ReadAsync(file, memory, 0, cancellation));
        using (memory.Pin())
        {
            Assert.Equal(Count, await RandomAccess.ReadAsync(file, memory, 0, cancellation));
        }

        Holds(0, First * PageContent.Bytes, Count);
        EndsUnpinned();
    }

    [Theory, BothModes]
    public unsafe void PinningMemoryPinsItsPagesUntilUnpinned(FaultMode mode)
    {
        using var file = Begin(mode);
        var memory = _guest.Guest.AsMemory((First * PageContent.Bytes) + 1, PageContent.Bytes);
        using (var handle = memory.Pin())
        using (memory[100..].Pin())
        {
            Assert.Equal((nint)_guest.AddressOf(First, 1), (nint)handle.Pointer);
            Assert.Equal(2, WordOf(First).Pins);
            Assert.Equal(2, WordOf(First + 1).Pins);
            Assert.Equal(0, WordOf(First + 2).Pins);
            _engine.Converge();
            Assert.Equal(Pages - 2, PageWordText.CountSharing(_guest.Guest));
        }

        EndsUnpinned();
    }

    [Theory, BothModes]
    public void ReceiveFromFillsSharedPages(FaultMode mode)
    {
        using var file = Begin(mode);
        using var sockets = new SocketPair();
        sockets.Sender.Send(_bytes.AsSpan(0, Count));
        var received = 0;
        while (received < Count)
        {
            received += _guest.Guest.ReceiveFrom(
                sockets.Receiver, (First * PageContent.Bytes) + received, Count - received);
        }

        Holds(0, First * PageContent.Bytes, Count);
        sockets.Sender.Shutdown(SocketShutdown.Both);
        Assert.Equal(0, _guest.Guest.ReceiveFrom(sockets.Receiver, 0, 10));
        Assert.Throws<ArgumentNullException>(() => _guest.Guest.ReceiveFrom(null!, 0, 10));
        EndsUnpinned();
    }

    [Theory, BothModes]
    public void NoDatagramIsLost(FaultMode mode)
    {
        using var file = Begin(mode);
        using var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        sender.Connect(receiver.LocalEndPoint!);
        for (var page = 0; page < Pages; page++)
        {
            sender.Send(_bytes.AsSpan(page * 1000, 1000));
            Assert.Equal(1000, _guest.Guest.ReceiveFrom(receiver, page * PageContent.Bytes, 1000));
            Holds(page * 1000, page * PageContent.Bytes, 1000);
        }

        EndsUnpinned();
    }

    [Theory, BothModes]
    public void AFailedReadEndsItsPin(FaultMode mode)
    {
        using var file = Begin(mode);
        using var directory = File.OpenHandle(Path.Combine(_folder.Path, "new"), FileMode.CreateNew, FileAccess.Write);
        Assert.ThrowsAny<Exception>(() => _guest.Guest.ReadFrom(directory, 0, 0, Count));
        Assert.Equal(0, WordOf(0).Pins);
        EndsUnpinned();
    }

    [Fact]
    public void APageHoldsNoMorePinsThanItsWordCanCount()
    {
        using var file = Begin(FaultMode.Signal);
        var pins = Enumerable.Range(0, PageWord.MaximumPins)
            .Select(_ => _guest.Guest.PinWritable(PageContent.Bytes, 1))
            .ToList();
        var thrown = Assert.Throws<Platform.PlatformException>(
            () => _guest.Guest.PinWritable(0, 2 * PageContent.Bytes));
        Assert.Equal(75, thrown.ErrorCode); // EOVERFLOW
        Assert.Equal(0, WordOf(0).Pins); // all or nothing
        pins.ForEach(static pin => pin.Dispose());
        EndsUnpinned();
    }

    // All bytes of both guests are right, where the file was read too, and all can be shared again that is still equal.
    private void Holds(int fileOffset, int offset, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _guest.Expect((offset + i) / PageContent.Bytes, (offset + i) % PageContent.Bytes, _bytes[fileOffset + i]);
        }

        _engine.VerifyAll();
    }

    private void EndsUnpinned()
    {
        for (var page = 0; page < Pages; page++)
        {
            Assert.Equal(0, WordOf(page).Pins);
        }

        _guest.WriteAll(static page => PageContent.Unique(page + 1));
        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
        _engine.VerifyAll();
    }

    private PageWord WordOf(long page) => _guest.Guest.Region.Words.Read(new Memory.PageNumber(page));
}
