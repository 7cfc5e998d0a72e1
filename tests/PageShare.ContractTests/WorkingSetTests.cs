using PageShare.Platform;
using PageShare.Platform.Windows;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Sharing proved by what Windows says of physical memory, which Wine does not know.</summary>
public sealed unsafe class WorkingSetTests : EngineTest
{
    private const int Pages = 96;

    public WorkingSetTests()
    {
        Assert.SkipWhen(HostPlatform.IsLinux, "needs Windows; SharingProofTests has Linux's proof.");
        Wine.SkipHere("Wine counts no users of a page, and gives no memory of a section back.");
    }

    [Theory, BothModes]
    public void PagesThatShareAreShownBySeveralViews(FaultMode mode)
    {
        var engine = Start(mode);
        var first = engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        var second = engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        Assert.All(UsersOf(first).Concat(UsersOf(second)), static users => Assert.InRange(users, 0, 2)); // and the host
        engine.Converge();
        engine.Verify(); // touches them all
        Assert.All(UsersOf(first).Concat(UsersOf(second)), static users => Assert.InRange(users, 2, 7));
        first.Write(3, 5, 99);
        Assert.InRange(UsersOf(first)[3], 0, 2);
        engine.VerifyAll();
    }

    /// <summary>Nobody else uses so much memory meanwhile, unless the machine is busy with something of its
    /// own.</summary>
    [Fact]
    public void WhatSharingSavesIsAvailableToTheMachine()
    {
        const long Bytes = 512L << 20;
        var before = Available();
        Assert.SkipWhen(before < 4 * Bytes, "needs 2 GiB of available memory.");
        var engine = Start(FaultMode.Signal);
        foreach (var name in new[] { "first", "second", "third" })
        {
            var guest = engine.Engine.CreateGuest(name, Bytes);
            for (var page = 0L; page < Bytes / PageContent.Bytes; page++)
            {
                PageContent.Unique(page + 1).WriteTo(guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes));
            }
        }

        var written = Available();
        engine.Converge();
        var shared = Available();
        Assert.InRange(before - written, Bytes * 5 / 2, Bytes * 4);
        Assert.InRange(shared - written, Bytes * 3 / 2, Bytes * 5 / 2); // two of three
    }

    private static int[] UsersOf(OracleGuest guest)
    {
        var users = new int[guest.Pages];
        for (var page = 0; page < users.Length; page++)
        {
            // SAFETY: asked about, not followed.
            var entry = new Kernel32.WorkingSetEntry { Address = guest.AddressOf(page) };
            Assert.True(Kernel32.QueryWorkingSetEx(
                Kernel32.GetCurrentProcess(), &entry, (uint)sizeof(Kernel32.WorkingSetEntry)));
            users[page] = (int)(entry.Attributes >> 1) & 7; // ShareCount, valid where the page is in the working set
        }

        return users;
    }

    private static long Available()
    {
        var status = new Kernel32.MemoryStatus { Length = (uint)sizeof(Kernel32.MemoryStatus) };
        Assert.True(Kernel32.GlobalMemoryStatus(&status));
        return (long)status.AvailablePhysical;
    }
}
