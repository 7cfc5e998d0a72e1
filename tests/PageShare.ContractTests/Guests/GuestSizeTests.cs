using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Guests;

/// <summary>Sizes, growth and bounds.</summary>
public sealed unsafe class GuestSizeTests : EngineTest
{
    private static long MachineBytes => Platform.HostPlatform.Create().MemoryAndSwapBytes;

    [Theory]
    [InlineData(0)]
    [InlineData(-4096)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 60)]
    public void SizesThatCannotBeAreRefusedByName(long size)
    {
        var engine = Start(FaultMode.Signal);
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() => engine.Engine.CreateGuest("guest", size));
        Assert.Equal("sizeInBytes", thrown.ParamName);
        Assert.Equal(size, thrown.ActualValue);
        Assert.Empty(engine.Engine.Guests);
        Assert.Empty(MemoryObjects.Names);
    }

    [Fact]
    public void TheMachinesMemoryIsTheLimit()
    {
        var engine = Start(FaultMode.Signal);
        var most = MachineBytes / PageContent.Bytes * PageContent.Bytes;
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(
            () => engine.Engine.CreateGuest("guest", most + PageContent.Bytes));
        Assert.Contains("memory", thrown.Message, StringComparison.Ordinal);

        // Windows sets all of a guest's memory aside at once; here it costs nothing until it is written.
        most = HostPlatform.IsLinux ? most : 16 * PageContent.Bytes;
        using var guest = engine.Engine.CreateGuest("guest", most, new GuestOptions { MaximumBytes = most });
        Assert.Equal(guest.Length, guest.MaximumLength);
    }

    [Fact]
    public void AMaximumBelowTheSizeIsRefused()
    {
        var engine = Start(FaultMode.Signal);
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(() => engine.Engine.CreateGuest(
            "guest", 2 * PageContent.Bytes, new GuestOptions { MaximumBytes = PageContent.Bytes }));
        Assert.Contains(nameof(GuestOptions.MaximumBytes), thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(null)]
    public void ANameIsNeeded(string? name)
    {
        var engine = Start(FaultMode.Signal);
        Assert.ThrowsAny<ArgumentException>(() => engine.Engine.CreateGuest(name!, PageContent.Bytes));
    }

    [Theory, BothModes]
    public void ANewGuestIsZeroAlignedAndTakesNoMemory(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", 8);
        Assert.Equal(0u, (nuint)guest.AddressOf(0) % PageContent.Bytes);
        Assert.Equal(0, MemoryObjects.AllPages);
        Assert.Equal(0, engine.Totals.PagesPopulated);
        guest.Verify();
    }

    [Theory, BothModes]
    public void GuardsStandAtBothEnds(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", 8);
        var last = guest.Guest.MaximumLength / PageContent.Bytes;
        foreach (var page in new[] { -1, 8, last })
        {
            var at = guest.AddressOf(page);
            var mapping = Assert.Single(ProcessMappings.Of(at, PageContent.Bytes));
            Assert.StartsWith("---", mapping.Permissions, StringComparison.Ordinal);
        }
    }

    [Theory, BothModes]
    public void GrowKeepsAddressAndContentAndTheNewPartIsZeroAndSharedLater(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("grows", 16, static page => PageContent.Unique(page + 1));
        engine.AddGuest("other", 64, static page => PageContent.Unique(page + 1));
        engine.Converge();
        var before = (nint)guest.AddressOf(0);

        guest.Guest.Grow(64 * PageContent.Bytes);

        Assert.Equal(before, (nint)guest.AddressOf(0));
        Assert.Equal(64, guest.Pages);
        guest.Verify(); // the new part is zero
        for (var page = 16; page < 64; page++)
        {
            guest.Write(page, PageContent.Unique(page + 1));
        }

        engine.Converge();
        Assert.Equal(64, engine.Totals.PagesSharing);
        Assert.Equal(128, engine.Totals.PagesTotal);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void GuestsGrowByStepsUpToTheirMaximumWhilePassesGoOn(FaultMode mode)
    {
        const int Maximum = 1500; // several merge orders
        var engine = Start(mode);
        var guest = engine.AddGuest("grows", 1, new GuestOptions { MaximumBytes = Maximum * PageContent.Bytes });
        engine.AddGuest("other", Maximum, static page => PageContent.Unique(page + 1));
        for (var pages = 1; pages < Maximum; pages += 333)
        {
            guest.Guest.Grow(pages * PageContent.Bytes);
            for (var page = 0; page < pages; page++)
            {
                guest.Write(page, PageContent.Unique(page + 1));
            }

            engine.Scan();
        }

        guest.Guest.Grow(guest.Guest.MaximumLength);
        guest.Write(Maximum - 1, PageContent.Unique(Maximum));
        engine.Converge();
        Assert.Equal(PageWordText.CountSharing(guest.Guest), engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void GrowRefusesWhatItCannotDo()
    {
        var engine = Start(FaultMode.Signal);
        var guest = engine.AddGuest("guest", 4, new GuestOptions { MaximumBytes = 8 * PageContent.Bytes }).Guest;
        foreach (var size in new[] { 9L * 4096, 3 * 4096, 0, -4096, (4 * 4096) + 1, long.MaxValue })
        {
            var thrown = Assert.Throws<ArgumentOutOfRangeException>(() => guest.Grow(size));
            Assert.Equal("newSizeInBytes", thrown.ParamName);
        }

        Assert.Equal(4 * PageContent.Bytes, guest.Length);
        guest.Grow(guest.Length); // no change is one that it can do
    }

    [Fact]
    public void PartsThatDoNotLieInsideTheGuestAreRefused()
    {
        var engine = Start(FaultMode.Signal);
        var guest = engine.AddGuest("guest", 4).Guest;
        var length = guest.Length;
        (long, int)[] parts =
            [(-1, 1), (0, -1), (length, 1), (length - 1, 2), (length + 1, 0), (long.MaxValue, 1), (long.MinValue, 1)];
        foreach (var (offset, count) in parts)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.AsSpan(offset, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.AsMemory(offset, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.PinWritable(offset, count));
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.EnsureWritable(offset, count));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => guest.EnsureWritable(1, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => guest.PinWritable(long.MaxValue, long.MaxValue));
        Assert.Equal(0, guest.AsSpan(length, 0).Length);
        Assert.Equal(length, guest.AsSpan().Length);
        Assert.Equal(1, guest.AsSpan(length - 1, 1).Length);
    }

    [Fact]
    public void AGuestLongerThanASpanIsTakenInParts()
    {
        var engine = Start(FaultMode.Signal);
        var bytes = (1L << 31) + PageContent.Bytes;
        Assert.SkipWhen(
            MachineBytes < bytes, "needs a machine with more than 2 GiB of memory and swap.");
        var guest = engine.Engine.CreateGuest("long", bytes);
        Assert.Throws<InvalidOperationException>(() => guest.AsSpan().Length);
        guest.AsSpan(bytes - 1, 1)[0] = 42;
        Assert.Equal(42, guest.Pointer[bytes - 1]);
        Assert.Equal(1, MemoryObjects.AllPages);
    }

    [Theory, BothModes]
    public void PagesBeyondFourGibibytesAreSharedAsAnyOthers(FaultMode mode)
    {
        const long Pages = (5L << 30) / PageContent.Bytes;
        Assert.SkipWhen(MachineBytes < 6L << 30, "needs a machine with 6 GiB of memory and swap.");
        var engine = Start(mode);
        var guest = engine.Engine.CreateGuest("large", Pages * PageContent.Bytes);
        long[] places = [0, 511, 512, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, Pages - 1]; // around 4 GiB, and the ends
        foreach (var page in places)
        {
            PageContent.Unique(7).WriteTo(guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes));
        }

        engine.Converge();
        Assert.Equal(places.Length - 1, engine.Totals.PagesSharing);
        Assert.Equal(1, MemoryObjects.AllPages);
        guest.Pointer[(1L << 32) + 5]++;
        engine.Scan();
        Assert.Equal(2, MemoryObjects.AllPages);
        foreach (var page in places)
        {
            var bytes = guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes);
            Assert.Equal(page != 1 << 20, PageContent.Unique(7).IsIn(bytes));
        }
    }
}
