using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Nothing is shared across the border of a share domain.</summary>
public sealed unsafe class ShareDomainTests : EngineTest
{
    private const int Pages = 32;

    private static OracleGuest Add(TestEngine engine, string name, string? domain, FaultMode? mode = null) =>
        engine.AddGuest(name, Pages, static page => PageContent.Unique((page / 2) + 1), new GuestOptions
        {
            Domain = domain,
            FaultMode = mode,
        });

    [Theory, BothModes]
    public void EqualPagesInTwoDomainsNeverShowOnePhysicalPage(FaultMode mode)
    {
        PageFrames.RequireVisible();
        var engine = Start(mode);
        var red = new[] { Add(engine, "red-1", "red"), Add(engine, "red-2", "red") };
        var blue = new[] { Add(engine, "blue-1", "blue"), Add(engine, "blue-2", "blue") };

        engine.Converge();

        var redFrames = PageFrames.Of(red[0].AddressOf(0), Pages);
        var blueFrames = PageFrames.Of(blue[0].AddressOf(0), Pages);
        Assert.Equal(redFrames, PageFrames.Of(red[1].AddressOf(0), Pages));
        Assert.Equal(blueFrames, PageFrames.Of(blue[1].AddressOf(0), Pages));
        Assert.Empty(redFrames.Intersect(blueFrames));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void EachDomainHasAStoreOfItsOwn(FaultMode mode)
    {
        var engine = Start(mode);
        Add(engine, "red", "red");
        Add(engine, "blue", "blue");
        Add(engine, "other", null);
        engine.Converge();
        Assert.Equal(Pages / 2, MemoryObjects.PagesOf("pageshare-store:red"));
        Assert.Equal(Pages / 2, MemoryObjects.PagesOf("pageshare-store:blue"));
        Assert.Equal(Pages / 2, MemoryObjects.PagesOf("pageshare-store:default"));
        var now = engine.Engine.Snapshot();
        Assert.Equal(["blue", "default", "red"], now.Domains.Select(static domain => domain.Name).Order());
        Assert.All(now.Domains, static domain => Assert.Equal(Pages / 2, domain.Counters.PagesShared));
        Assert.All(now.Domains, static domain => Assert.Equal(Pages / 2, domain.Counters.PagesSharing));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void WithADomainPerGuestPagesAreSharedInsideAGuestAlone(FaultMode mode)
    {
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, DomainPerGuest = true });
        Add(engine, "same name", null);
        Add(engine, "same name", null);
        engine.Converge();
        Assert.Equal(2, engine.Engine.Snapshot().Domains.Length);
        Assert.Equal(Pages, MemoryObjects.PagesOf(MemoryObjects.Stores)); // Pages / 2 each
        Assert.All(
            engine.Engine.Snapshot().Guests, static guest => Assert.Equal(Pages / 2, guest.Counters.PagesSharing));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void WithADomainPerGuestANamedDomainIsSharedAllTheSame(FaultMode mode)
    {
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, DomainPerGuest = true });
        Add(engine, "first", "together");
        Add(engine, "second", "together");
        engine.Converge();
        Assert.Equal(Pages / 2, MemoryObjects.AllPages);
    }

    [Fact]
    public void GuestsOfBothFaultModesShareInOneDomain()
    {
        var engine = Start(FaultMode.Signal);
        var signal = Add(engine, "signal", null, FaultMode.Signal);
        var kernel = Add(engine, "kernel", null, FaultMode.Kernel);
        engine.Converge();
        Assert.Equal(Pages / 2, MemoryObjects.AllPages);
        signal.Write(3, 1, 1);
        kernel.Write(4, 2, 2);
        kernel.Write(3, 3, 3);
        engine.VerifyAll();
        engine.Converge();
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void ADomainGoesWithItsLastGuest(FaultMode mode)
    {
        var engine = Start(mode);
        var red = new[] { Add(engine, "red-1", "red"), Add(engine, "red-2", "red") };
        Add(engine, "blue", "blue");
        engine.Converge();
        red[0].Guest.Dispose();
        engine.Scan();
        Assert.Contains("pageshare-store:red", MemoryObjects.Names);
        Assert.Equal(Pages / 2, MemoryObjects.PagesOf("pageshare-store:red")); // red-2 shares inside itself
        engine.VerifyAll();

        red[1].Guest.Dispose();

        Assert.Equal(["blue"], engine.Engine.Snapshot().Domains.Select(static domain => domain.Name));
        Assert.DoesNotContain("pageshare-store:red", MemoryObjects.Names);
        engine.Converge();
        engine.VerifyAll();

        Add(engine, "red-3", "red"); // the name can be used again
        engine.Converge();
        Assert.Equal(Pages / 2, MemoryObjects.PagesOf("pageshare-store:red"));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AStoreIsEmptyOnceAllItsGuestsHaveWritten(FaultMode mode)
    {
        var engine = Start(mode);
        var guests = new[] { Add(engine, "first", "red"), Add(engine, "second", "red") };
        engine.Converge();
        for (var page = 0; page < Pages; page++)
        {
            guests[0].Write(page, 7, (byte)(page + 1)); // zero before
            guests[1].Write(page, 7, (byte)(page + 100));
        }

        engine.Scan();
        Assert.Equal(0, MemoryObjects.PagesOf("pageshare-store:red"));
        Assert.Equal(2 * Pages, MemoryObjects.PagesOf(MemoryObjects.Backings));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void FramesOfAGuestThatIsGoneAreFreedAndUsedAnew(FaultMode mode)
    {
        var engine = Start(mode);
        for (var round = 0; round < 4; round++)
        {
            var content = (round * 1000) + 1;
            using var guest = engine
                .AddGuest($"guest-{round}", Pages, page => PageContent.Unique(content + (page / 2))).Guest;
            engine.Converge();
            Assert.Equal(Pages / 2, MemoryObjects.AllPages);
            engine.VerifyAll();
        }

        Assert.Empty(MemoryObjects.Names);
    }
}
