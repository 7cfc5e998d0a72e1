using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.IsolationTests.Shortages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Isolated;

/// <summary>A host that runs out of memory or of address space.</summary>
/// <remarks>
/// A full /dev/shm is no case of its own: memory objects are memfds, which lie on a tmpfs mount of the kernel's own
/// that has no size, whatever /dev/shm has left. What bounds them is memory, that of a control group for one.
/// </remarks>
public sealed class HostShortageTests : IDisposable
{
    private const long LimitBytes = 160L << 20;
    private const int LargePages = 40_960; // 160 MiB of frames, more than the host may have beside itself
    private const int Pages = 256;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AHostThatItsControlGroupEndsWhileItMakesFramesCostsNobodyAByte()
    {
        using var group = MemoryGroup.Create(LimitBytes);
        using (var host = HostProcess.Start(
            _folder, KillCount.Limits, null,
            "/bin/sh", "-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", group.Path))
        {
            using var guests = new OracleGuests(host.Socket, 2, LargePages, FaultMode.Signal);
            guests.Each("rewrite 1");

            // The kernel ends whoever takes the page that is one too many, and here that is the host.
            while (!HasEnded(host))
            {
                // Step by step, since it takes long on a busy machine.
                var frames = FramesOf(host);
                Until.True(() => HasEnded(host) || FramesOf(host) > frames, "it makes frames, or the kernel ends it");
            }

            guests.Each("check");
            guests.StartWriters();
            guests.StopWritersAndCheck();

            using var next = HostProcess.Start(_folder, KillCount.Limits);
            guests.ShareExactly(next);
        }
    }

    [Fact]
    public void WithoutAddressSpaceForAnotherGuestTheHostSaysSoAndGoesOn()
    {
        // The store's view is as long as the machine has memory; beside it, some guests have room for a GiB each. What
        // the runtime reserves for itself is bounded as well.
        var kibibytes = (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 10) + (24L << 20);
        using var host = HostProcess.Start(
            _folder, KillCount.Limits, null, "/usr/bin/env", "DOTNET_GCHeapHardLimit=0x10000000", "/bin/sh", "-c",
            $"ulimit -v {kibibytes}; exec \"$@\"", "sh");
        using var guests = new OracleGuests(host.Socket, 2, Pages, FaultMode.Signal);
        guests.ShareExactly(host);
        var traces = new HostTraces(host);
        for (var round = 0; round < 2; round++)
        {
            using var greedy = TalkingProcess.Start(
                new ProbeCommand("hostile-guest", "--socket", host.Socket, "--seed", "1"));

            // A GiB of address space for each: the room that a guest may grow into.
            Assert.Contains("OutOfResources", greedy.Do("flood 100"), StringComparison.Ordinal);
            guests.StartWriters();
            guests.StopWritersAndCheck();
            greedy.Kill();
            guests.ShareExactly(host);
            traces.AreGone();
        }
    }

    private static long FramesOf(HostProcess host)
    {
        try
        {
            return MemoryObjects.PagesOf(MemoryObjects.Stores, host.ProcessId);
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static bool HasEnded(HostProcess host) =>
        !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{host.ProcessId}"));
}
