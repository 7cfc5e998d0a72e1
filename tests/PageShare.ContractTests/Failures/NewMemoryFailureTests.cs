using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Failures;

/// <summary>A guest that cannot be made or cannot grow leaves everything as it was.</summary>
public sealed class NewMemoryFailureTests : EngineTest
{
    [Theory, BothModes]
    public void AGuestThatCannotBeMappedIsRefusedAndLeavesNothing(FaultMode mode)
    {
        var engine = Start(mode);
        using (Injection.Lasting(TestCall.MapIdentity))
        {
            var thrown = Assert.Throws<PlatformException>(
                () => engine.Engine.CreateGuest("refused", 8 * PageContent.Bytes));
            Assert.Equal(Injection.NoMemory, thrown.ErrorCode);
            Assert.Contains("refused", thrown.Message, StringComparison.Ordinal);
        }

        Assert.Empty(engine.Engine.Guests);
        Assert.Empty(engine.Engine.Snapshot().Domains);
        Assert.Empty(MemoryObjects.Names);
        engine.AddGuest("first", 8, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", 8, static page => PageContent.Unique(page + 1));
        engine.Converge();
        Assert.Equal(8, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AGuestThatCannotGrowIsWhatItWas(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", 8, static page => PageContent.Unique(page + 1));
        engine.AddGuest("other", 8, static page => PageContent.Unique(page + 1));
        engine.Converge();
        using (Injection.Lasting(TestCall.MapIdentity))
        {
            var thrown = Assert.Throws<PlatformException>(() => guest.Guest.Grow(16 * PageContent.Bytes));
            Assert.Equal(Injection.NoMemory, thrown.ErrorCode);
            Assert.Equal(8 * PageContent.Bytes, guest.Guest.Length);
            engine.Scan();
            engine.VerifyAll();
        }

        guest.Guest.Grow(16 * PageContent.Bytes);
        guest.Write(15, PageContent.Unique(3));
        engine.Converge();
        Assert.Equal(9, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }
}
