using System.Globalization;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// A guest that means harm, in the share domain of honest ones and at a real host: it harms itself alone.
/// </summary>
public sealed class HostileGuestTests
{
    private const int Pages = 256;

    [Theory, BothModes]
    public void AUserOfItsOwnCannotChangeTheStoreByAnyWay(FaultMode mode)
    {
        Assert.SkipUnless(
            HostileGuests.HasOwnUser,
            "needs root and setpriv (util-linux): a guest of the host's own user can open the store anew for writing, "
            + "through /proc, as the documentation says.");
        using var test = new HostileGuests(mode, Pages);
        var answer = test.Hostile.Do("write-store");
        TestContext.Current.TestOutputHelper?.WriteLine(answer);
        Assert.StartsWith("changed: ; refused: ", answer, StringComparison.Ordinal);
        test.Honest.StartWriters();
        test.NobodyIsHarmed();
    }

    [Theory, BothModes]
    public void WhatItWasGivenKeepsSizeAndSeals(FaultMode mode)
    {
        using var test = new HostileGuests(mode, Pages);
        test.Honest.StartWriters();
        Assert.Equal("", test.Hostile.Do("mutilate"));
        test.NobodyIsHarmed();
    }

    [Theory, BothModes]
    public void HolesOfTheStoreThatItReadsAreGivenBackByTheNextPasses(FaultMode mode)
    {
        using var test = new HostileGuests(mode, Pages);
        test.Honest.StartWriters();
        for (var round = 0; round < 20; round++)
        {
            Assert.InRange(long.Parse(test.Hostile.Do("read-holes"), CultureInfo.InvariantCulture), Pages, 1 << 20);
        }

        test.NobodyIsHarmed();
    }

    [Theory, BothModes]
    public void ForgedPageWordsCountersBitmapsAndAnswersHarmNobodyElse(FaultMode mode)
    {
        using var test = new HostileGuests(mode, Pages);
        test.Honest.StartWriters();
        test.Hostile.Do("forge");
        Until.True(
            () => int.Parse(test.Hostile.Do("forged"), CultureInfo.InvariantCulture) >= 30
                || test.Host.Status().Engine.GuestsDistrusted > 0,
            "many lies are told, or it is believed no more");
        test.Host.AwaitPasses(10);
        test.Hostile.Do("forge-end");
        test.Host.AwaitPasses(4);
        test.NobodyIsHarmed();
    }

    [Fact]
    public void ForeignGuestsAndDomainsAreRefusedWithReasonsAndNamesakesAreNobodyElse()
    {
        using var test = new HostileGuests(FaultMode.Signal, Pages);
        Assert.SkipUnless(HostileGuests.HasOwnUser, "needs root and setpriv: a user's own guests are his to touch.");
        test.Honest.StartWriters();
        var answer = test.Hostile.Do("claim honest-0 0/honest-1");
        Assert.StartsWith("granted: name honest-0, pause own honest-0; refused ", answer, StringComparison.Ordinal);
        test.NobodyIsHarmed();
    }

    [Fact]
    public void ThousandsOfGarbageFramesAtARealHostDisturbNobody()
    {
        using var test = new HostileGuests(FaultMode.Signal, Pages);
        test.Honest.StartWriters();
        TestContext.Current.TestOutputHelper?.WriteLine(test.Hostile.Do("garbage 1500"));
        test.NobodyIsHarmed();
    }

    [Fact]
    public void AForgedTakeoverIsRefusedWithReasons()
    {
        using var test = new HostileGuests(FaultMode.Signal, Pages);
        test.Honest.StartWriters();
        var answer = test.Hostile.Do("resume");
        TestContext.Current.TestOutputHelper?.WriteLine(answer);

        // The host's own user may name any domain: there, it is no other's.
        var accepted = HostileGuests.HasOwnUser ? "" : "another's domain";
        Assert.StartsWith($"accepted: {accepted}; refused ", answer, StringComparison.Ordinal);
        test.NobodyIsHarmed();
    }

    [Fact]
    public void ATakeoverWithForgedPageWordsHarmsNobodyElse()
    {
        using var test = new HostileGuests(FaultMode.Signal, Pages);
        test.Honest.StartWriters();
        for (var round = 0; round < 8; round++)
        {
            test.Hostile.Do($"resume-lies liar-{round.ToString(CultureInfo.InvariantCulture)}");
        }

        test.Host.AwaitPasses(10);
        test.NobodyIsHarmed();
    }

    [Fact]
    public void AFloodOfAllocationsEndsAtTheQuota()
    {
        Assert.SkipUnless(HostileGuests.HasOwnUser, "needs root and setpriv: the host's own user has no quota here.");
        using var test = new HostileGuests(FaultMode.Signal, Pages);
        test.Honest.StartWriters();
        var answer = test.Hostile.Do("flood 1000");
        Assert.StartsWith("11: OverQuota: ", answer, StringComparison.Ordinal);
        test.NobodyIsHarmed();
    }
}
