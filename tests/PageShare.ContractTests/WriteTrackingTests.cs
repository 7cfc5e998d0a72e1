using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>A pass looks at what was written since the last one, at all of that, and at nothing else.</summary>
public sealed class WriteTrackingTests : EngineTest
{
    private const int Pages = 2048; // four stretches

    private TestEngine _engine = null!;

    [Theory, BothModes]
    public void APassOverUnwrittenMemoryHashesNothing(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.Converge();
        Assert.Equal(0, _engine.Scan().PagesHashed);
        guest.Verify(); // reads are no writes
        var pass = _engine.Scan();
        Assert.Equal(0, pass.PagesHashed);
        Assert.Equal(Pages, pass.PagesScanned);
    }

    [Theory, BothModes]
    public void AStoreIsLookedAtInTheNextPassAndNothingElseIs(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.Converge();
        foreach (var page in new[] { 0, 511, 512, 777, Pages - 1 })
        {
            guest.Write(page, 100, 7);
            Assert.Equal(1, _engine.Scan().PagesHashed);
        }

        guest.Verify();
    }

    [Theory, BothModes]
    public void APageThatCouldNotShareWhenItsEqualsCameIsLookedAtAgainThoughItIsNotWritten(FaultMode mode)
    {
        var first = StartWithUniquePages(mode);
        _engine.Converge();
        using (first.Guest.PinWritable(0, first.Guest.Length))
        {
            _engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
            _engine.AddGuest("third", Pages, static page => PageContent.Unique(page + 1));
            _engine.Converge();
            Assert.Equal(Pages, _engine.Totals.PagesSharing);
        }

        _engine.Converge();
        Assert.Equal(2 * Pages, _engine.Totals.PagesSharing);
        _engine.VerifyAll();
    }

    [Theory, BothModes]
    public void EveryStoreIsSeenWhereverItFallsInAPass(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        var twin = _engine.AddGuest("twin", Pages, static page => PageContent.Unique(page + 1));
        _engine.Converge();
        var random = Seeds.Create();
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 50; i++)
            {
                var page = random.Next(Pages);
                guest.Write(page, random.Next(PageContent.Bytes), (byte)random.Next(1, 256));
            }

            _engine.Scan();
            _engine.VerifyAll();
        }

        for (var page = 0L; page < Pages; page++)
        {
            guest.Write(page, PageContent.Unique(page + 1));
        }

        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing); // not one is overlooked
        twin.Verify();
    }

    [Theory, BothModes]
    public void PagesThatBreakAreLookedAtAgain(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.AddGuest("twin", Pages, static page => PageContent.Unique(page + 1));
        _engine.Converge();
        guest.Write(600, PageContent.Unique(Pages + 1));
        _engine.Converge();
        Assert.Equal(Pages - 1, _engine.Totals.PagesSharing);
        guest.Write(600, PageContent.Unique(601));
        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
    }

    [Theory, BothModes]
    public void WhatASystemCallWritesIsSeen(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.Converge();
        using var folder = new TemporaryFolder();
        var content = new byte[PageContent.Bytes];
        PageContent.Unique(5).WriteTo(content);
        using (var file = File.OpenHandle(folder.Write("page", content)))
        {
            guest.Guest.ReadFrom(file, 0, 100L * PageContent.Bytes, PageContent.Bytes);
        }

        guest.Expect(100, PageContent.Unique(5)); // as page 4
        _engine.Converge();
        Assert.Equal(1, _engine.Totals.PagesSharing);
        guest.Verify();
    }

    [Theory, BothModes]
    public void ZeroPagesThatWereReadAreHolesAgainOnePassLater(FaultMode mode)
    {
        _engine = Start(mode);
        var guest = _engine.AddGuest("zeros", Pages, static page => page % 2 == 0 ? PageContent.Zero : PageContent.Unique(page));
        _engine.Converge();
        var before = _engine.Totals.ResidentBytes;
        guest.Verify();
        Assert.Equal(before + (Pages / 2 * PageContent.Bytes), _engine.Totals.ResidentBytes);
        Assert.Equal(Pages / 2, _engine.Scan().ZeroPagesFreed);
        Assert.Equal(before, _engine.Totals.ResidentBytes);
    }

    [Theory, BothModes]
    public void MappingsJoinUpAgainWhenAllIsUnshared(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.AddGuest("twin", Pages, static page => PageContent.Unique(page % 3 == 0 ? page + 1 : -page - 100));
        var before = MappingsOf(guest);
        _engine.Converge();
        Assert.True(MappingsOf(guest) > Pages / 2);
        for (var page = 0L; page < Pages; page += 6)
        {
            guest.Write(page, 0, 1);
        }

        _engine.Engine.UnshareAll();
        Assert.Equal(before, MappingsOf(guest));
    }

    [Theory, BothModes]
    public void GrownPagesAreLookedAt(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.Converge();
        guest.Guest.Grow((Pages + 100L) * PageContent.Bytes);
        for (var page = Pages; page < Pages + 100; page++)
        {
            PageContent.Unique(page - Pages + 1).WriteTo(guest.Guest.AsSpan((long)page * PageContent.Bytes, PageContent.Bytes));
        }

        _engine.Converge();
        Assert.Equal(100, _engine.Totals.PagesSharing);
    }

    [Theory, BothModes]
    public void AGuestThatSharesAgainIsLookedAtAltogether(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        guest.Guest.Sharing = false;
        _engine.AddGuest("twin", Pages, static page => PageContent.Unique(page + 1));
        _engine.Converge();
        Assert.Equal(0, _engine.Totals.PagesSharing);
        guest.Guest.Sharing = true;
        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
    }

    [Theory, BothModes]
    public void WithoutTrackingEveryPassHashesAllAndSharesTheSame(FaultMode mode)
    {
        _engine = Start(TestEngine.Defaults with { FaultMode = mode, TrackWrites = false });
        Assert.Equal("rehash", _engine.Engine.Snapshot().WriteTracking);
        var guest = _engine.AddGuest("one", Pages, static page => PageContent.Unique(page % 1000));
        _engine.Converge();
        Assert.Equal(0, _engine.Totals.PagesUnshared);
        for (var page = 0L; page < 10; page++)
        {
            guest.Write(page, PageContent.Unique(5000 + page));
        }

        _engine.Converge();
        Assert.Equal(10, _engine.Scan().PagesHashed);
        _engine.VerifyAll();
    }

    [Theory, BothModes]
    public void PagesThatCouldNotBeTrackedCountAsWritten(FaultMode mode)
    {
        var guest = StartWithUniquePages(mode);
        _engine.AddGuest("twin", Pages, static page => PageContent.Unique(page + 1));
        _engine.Converge();
        using (Injection.Lasting(TestCall.Track))
        {
            guest.Guest.EnsureWritable(0, 100L * PageContent.Bytes);
        }

        guest.Write(3, PageContent.Unique(9999));
        _engine.Converge();
        Assert.Equal(Pages - 1, _engine.Totals.PagesSharing);
        guest.Write(3, PageContent.Unique(4));
        _engine.Converge();
        Assert.Equal(Pages, _engine.Totals.PagesSharing);
        _engine.VerifyAll();
    }

    private static unsafe int MappingsOf(OracleGuest guest) =>
        ProcessMappings.Of(guest.Guest.Pointer, guest.Guest.Length).Count;

    private OracleGuest StartWithUniquePages(FaultMode mode)
    {
        _engine = Start(mode);
        Assert.SkipUnless(
            _engine.Engine.Snapshot().WriteTracking == "pagemap", "needs Linux 6.7 or later with userfaultfd for everybody");
        return _engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
    }
}
