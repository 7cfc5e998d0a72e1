using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Counters;

/// <summary>All tables together take at most 24 bytes a page, as reported, and 20 in a large guest of unique
/// pages.</summary>
public sealed class MetadataTests : EngineTest
{
    private const int BytesPerPage = 24;
    private const int WordsAndRecords = 13; // there are these at the very least
    private static readonly int Pages = Wine.Else(64 << 20 >> 12, here: 32 << 20 >> 12); // 64 MiB a guest

    [Theory]
    [InlineData("unique", FaultMode.Signal)]
    [InlineData("unique", FaultMode.Kernel)]
    [InlineData("shared", FaultMode.Signal)]
    [InlineData("shared", FaultMode.Kernel)]
    [InlineData("mixed", FaultMode.Signal)]
    [InlineData("mixed", FaultMode.Kernel)]
    [InlineData("zero", FaultMode.Signal)]
    [InlineData("inside", FaultMode.Signal)]
    public void ReportedTablesStayWithinTheirBudget(string layout, FaultMode mode)
    {
        Assert.SkipWhen(
            Wine.IsHere && mode == FaultMode.Kernel && layout != "unique",
            "takes minutes under Wine, for tables that are those of fault mode Signal.");
        var engine = Start(mode);
        for (var guest = 0; guest < 2; guest++)
        {
            Fill(engine.Engine.CreateGuest($"guest-{guest}", (long)Pages * PageContent.Bytes), layout, guest);
        }

        for (var pass = 0; pass < 3; pass++)
        {
            engine.Scan();
            var now = engine.Totals;
            Assert.InRange(now.MetadataBytes, WordsAndRecords * 2 * Pages, BytesPerPage * 2 * Pages);
        }

        Assert.Equal(layout is "unique", engine.Totals.SavedBytes == 0);
    }

    [Theory, BothModes]
    public void LargeGuestOfUniquePagesTakesTwentyBytesAPageAlsoWhenItsContentsHaveChanged(FaultMode mode)
    {
        const int Pages = 256 << 20 >> 12;
        Wine.SkipHere("tables do not depend on the system.");
        var engine = Start(mode);
        var guest = engine.Engine.CreateGuest("large", (long)Pages * PageContent.Bytes);
        for (var round = 0; round < 10; round++)
        {
            var words = MemoryMarshal.Cast<byte, long>(guest.AsSpan());
            for (var page = 0; page < Pages; page += round == 0 ? 1 : 3)
            {
                words[page * (PageContent.Bytes / sizeof(long))] = ((long)(round + 1) << 32) + page;
            }

            engine.Scan();
            Assert.InRange(engine.Totals.MetadataBytes, WordsAndRecords * Pages, 20 * Pages);
        }

        Assert.Equal(0, engine.Totals.SavedBytes);
    }

    [Fact]
    public unsafe void TablesTakeMemoryWhereTheyAreTouchedEvenAfterOthersHaveComeAndGone()
    {
        const int Pages = 256;
        const long Bytes = (long)Pages * PageContent.Bytes;

        // An allocator that has had such a block back may hand it out again, and zeroes it by hand then: all of it.
        NativeArray<byte>.Allocate(32 * Bytes).Dispose();
        for (var round = 0; round < 4; round++)
        {
            using var before = NativeArray<byte>.Allocate(Bytes);
            before.Slice(0, (int)Bytes).Fill(1);
        }

        using var table = NativeArray<byte>.Allocate(Bytes);
        table[0] = 1;
        fixed (byte* first = &table[0])
        {
            var start = (byte*)(((nint)first + PageContent.Bytes) & ~(PageContent.Bytes - 1)); // the first whole page
            Assert.InRange(PageFrames.CountPresent(start, Pages - 2), 0, 8);
        }

        Assert.Equal(-1, table.Slice(1, (int)Bytes - 1).IndexOfAnyExcept((byte)0));
    }

    private static void Fill(Guest guest, string layout, int number)
    {
        var words = MemoryMarshal.Cast<byte, long>(guest.AsSpan());
        const int WordsPerPage = PageContent.Bytes / sizeof(long);
        for (var page = 0; page < Pages; page++)
        {
            words[page * WordsPerPage] = layout switch
            {
                "unique" => ((long)(number + 1) << 32) + page,
                "shared" => page + 1,
                "inside" => (page % 512) + 1,
                "mixed" when page % 3 == 0 => 0,
                "mixed" when page % 3 == 1 => page + 1,
                "mixed" => ((long)(number + 1) << 32) + page,
                _ => 0,
            };
        }
    }
}
