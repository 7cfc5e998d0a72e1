using System.Globalization;
using PageShare.PageTable;
using PageShare.TestKit;
using PageShare.TestKit.Proof;
using PageShare.TestKit.Points;

namespace PageShare.ContractTests.Guests;

/// <summary>
/// A great many system calls write into pinned pages while another thread seals, merges and breaks everything around
/// them: none may fail, none may come short.
/// </summary>
public sealed class PinnedSystemCallSoakTests : EngineTest
{
    private const int Pages = 64;
    private const int ChunkBytes = 1000;

    // A million and more where there is time: PAGESHARE_SOAK=1, or how many.
    private static int Calls { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("PAGESHARE_SOAK"), CultureInfo.InvariantCulture, out var given)
            ? Math.Max(given, 1_000_000)
            : Wine.Else(200_000, here: 10_000);

    [Theory, BothModes]
    public void NoneFails(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        var other = engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        using var folder = new TemporaryFolder();
        var bytes = new byte[ChunkBytes];
        Seeds.Create().NextBytes(bytes);
        using var file = File.OpenHandle(folder.Write("input", bytes));
        using var sockets = new SocketPair();
        var isOver = false;
        var scanner = Actor.Start("scanner", () => StirUp(engine, other, () => Volatile.Read(ref isOver)));
        try
        {
            Until.True(() => engine.Totals.Merges > 0, "merging has begun");
            for (var call = 0; call < Calls / 2; call += 100)
            {
                // Pages that change places, with shared ones on either side.
                var page = 1 + (call / 100 * 2 % (Pages - 2));
                using (guest.Guest.PinWritable(page * PageContent.Bytes, PageContent.Bytes))
                {
                    FillPinned(guest, page, bytes, file, sockets);
                }

                for (var i = 0; i < 10; i++) // and pins that last for a call each
                {
                    var offset = (page * PageContent.Bytes) + 500;
                    Assert.Equal(ChunkBytes, guest.Guest.ReadFrom(file, 0, offset, ChunkBytes));
                }

                PageContent.Unique(page + 1).WriteTo(guest.Guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes));
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            scanner.Finish();
        }

        var merges = engine.Totals.Merges;
        Assert.True(merges > Wine.Else(1000, here: 100), $"Only {merges} pages were merged meanwhile.");
        engine.VerifyAll();
    }

    // 200 calls: as many by read as by recv.
    private static void FillPinned(
        OracleGuest guest, int page, byte[] bytes, Microsoft.Win32.SafeHandles.SafeFileHandle file, SocketPair sockets)
    {
        for (var i = 0; i < 95; i++)
        {
            var target = guest.Guest.AsSpan((page * PageContent.Bytes) + (i * 32 % 3000), ChunkBytes);
            Assert.Equal(ChunkBytes, RandomAccess.Read(file, target, 0));
        }

        Assert.True(guest[page].Slice(94 * 32 % 3000, ChunkBytes).SequenceEqual(bytes));
        for (var i = 0; i < 95; i++)
        {
            sockets.Sender.Send(bytes);
            var target = guest.Guest.AsSpan((page * PageContent.Bytes) + (i * 32 % 3000), ChunkBytes);
            for (var received = 0; received < ChunkBytes;)
            {
                received += sockets.Receiver.Receive(target[received..]);
            }
        }

        Assert.True(guest[page].Slice(94 * 32 % 3000, ChunkBytes).SequenceEqual(bytes));
        Assert.Equal(PageState.Private, EngineBooks.StateOf(guest, page));
    }

    // Writes that break, whole pages unshared, and pass after pass that seals and merges it all again.
    private static void StirUp(TestEngine engine, OracleGuest other, Func<bool> isOver)
    {
        for (var round = 0; !isOver(); round++)
        {
            for (var page = round % 3; page < Pages; page += 3)
            {
                other.Write(page, round % PageContent.Bytes, (byte)round);
                other.Write(page, PageContent.Unique(page + 1));
            }

            if (round % 16 == 0)
            {
                engine.Engine.UnshareAll();
            }

            engine.Engine.ScanOnce();
        }
    }
}
