using System.Globalization;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Hosting;

/// <summary>Guests in processes of their own share, proved from outside of all of them.</summary>
public sealed class SharingTests : IDisposable
{
    private const int Pages = 512;
    private static readonly string Bytes = (Pages * 4096).ToString(CultureInfo.InvariantCulture);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    public void EqualPagesOfTwoProcessesTakeTheMemoryOfOne(string mode)
    {
        using var host = HostProcess.Start(_folder, $"engine.faultMode={mode}");
        using var a = GuestWith(host, "a", seed: 7);
        using var b = GuestWith(host, "b", seed: 7);
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "each page of b is on a frame of a");

        // The kernel's account of every memory object that the host holds: a page each, once.
        Assert.InRange(host.AllocatedPages, Pages, Pages + (Pages / 16));
        Assert.Equal("", a.Do($"check a 0 {Pages} 7"));
        Assert.Equal("", b.Do($"check b 0 {Pages} 7"));

        // A write gives b its own copy of what it writes, and a sees nothing of it.
        b.Do("fill b 10 20 8");
        b.Do("check b 10 20 8");
        b.Do($"check b 30 {Pages - 30} 7");
        a.Do($"check a 0 {Pages} 7");
    }

    [Fact]
    public void SharedPagesAreTheSamePhysicalPageInBothProcesses()
    {
        PageFrames.RequireVisible();
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a", seed: 7);
        using var b = GuestWith(host, "b", seed: 7);
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "each page of b is on a frame of a");
        string[] framesOfA = a.Do($"frames a 0 {Pages}").Split(' ');
        Assert.Equal(Pages, framesOfA.Distinct().Count());
        Assert.Equal(framesOfA, b.Do($"frames b 0 {Pages}").Split(' '));

        b.Do("fill b 5 1 8");
        string[] framesOfB = b.Do($"frames b 0 {Pages}").Split(' ');
        Assert.NotEqual(framesOfA[5], framesOfB[5]);
    }

    [Fact]
    public void AGuestThatDoesNotShareIsLeftAlone()
    {
        using var host = HostProcess.Start(_folder);
        using var a = GuestWith(host, "a", seed: 7);
        a.Do("sharing a false");
        using var b = GuestWith(host, "b", seed: 7);
        using var c = GuestWith(host, "c", seed: 7);
        Until.True(() => host.Status().Engine.Totals.PagesSharing >= Pages, "b and c share");
        Assert.False(host.Status().Engine.Guests.Single(static guest => guest.Name == "a").Sharing);
    }

    [Fact]
    public void GuestsInDomainsOfTheirOwnShareNothing()
    {
        using var host = HostProcess.Start(_folder, "engine.domainPerGuest=true");
        using var a = GuestWith(host, "a", seed: 7);
        using var b = GuestWith(host, "b", seed: 7);
        host.AwaitPasses(4);
        Assert.Equal(0, host.Status().Engine.Totals.PagesSharing);
        Assert.Equal(2, host.Status().Engine.Domains.Length);
    }

    private static GuestProcess GuestWith(HostProcess host, string name, int seed)
    {
        var guest = GuestProcess.Start(host);
        try
        {
            guest.Do($"allocate {name} {Bytes}");
            guest.Do($"fill {name} 0 {Pages} {seed}");
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }
}
