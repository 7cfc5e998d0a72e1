using System.Diagnostics;
using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// The host dies by SIGKILL while guests write and it merges, and another takes them over on the same socket: no guest
/// loses a byte, every count is exact again, and of the former hosts' stores nothing is left.
/// </summary>
public sealed class HostKillTests : IDisposable
{
    private const int Guests = 3;
    private const int Pages = 512;
    private const int LargePages = 4096;
    private const long NewMerges = 100_000;
    private const int Step = 512;

    private static readonly int Kills = KillCount.Of("PAGESHARE_HOST_KILLS", usual: 12);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, BothModes]
    public void HostsKilledAtRandomMomentsCostNobodyAByte(FaultMode mode)
    {
        var random = Seeds.Create();
        var host = HostProcess.Start(_folder, KillCount.Limits);
        try
        {
            using var guests = new OracleGuests(host.Socket, Guests, Pages, mode);
            guests.ShareExactly(host);
            for (var kill = 0; kill < Kills; kill++)
            {
                guests.StartWriters();
                LetSomeTimePass(random);
                Replace(ref host);
                if (random.Next(3) == 0)
                {
                    // In the middle of its takeover.
                    LetSomeTimePass(random);
                    Replace(ref host);
                }

                guests.StopWritersAndCheck();
                guests.ShareExactly(host);
            }
        }
        finally
        {
            host.Dispose();
        }
    }

    [Theory, BothModes]
    public void AGuestThatIsStoppedThroughATakeoverAndAHundredThousandMergesLosesNothing(FaultMode mode)
    {
        var host = HostProcess.Start(_folder, KillCount.Limits);
        try
        {
            using var guests = new OracleGuests(host.Socket, Guests, LargePages, mode);
            guests.ShareExactly(host);
            var old = new OldStores(host);
            guests.StartWriters();
            Until.True(() => guests.All.All(static guest => Operations(guest) > 2000), "all write");
            var (frozen, others) = (guests.All[^1], guests.All.Take(Guests - 1).ToList());
            frozen.Freeze();
            Replace(ref host);

            foreach (var other in others)
            {
                other.Do("stop");
            }

            var now = host;
            Until.True(() => now.Status().Processes.Count == Guests - 1, "the others have come");
            var merges = Merges(now);
            for (var number = 1000L; Merges(now) < merges + NewMerges; number++)
            {
                var before = Merges(now);
                foreach (var other in others)
                {
                    other.Do(string.Create(CultureInfo.InvariantCulture, $"rewrite {number}"));
                }

                // Step by step, since it takes long on a busy machine: who waits sees that it goes on.
                for (var some = before + Step; some <= before + LargePages; some += Step)
                {
                    Until.True(() => Merges(now) >= some, "the others are merged anew");
                }
            }

            // All that time it could still see the old frames.
            Assert.True(old.AreHeldBy([frozen.ProcessId]));
            frozen.Continue();
            frozen.Do("stop");
            others.ForEach(static other => _ = other.Do("check"));
            guests.ShareExactly(host);
            Until.True(
                () => !old.AreHeldBy([.. guests.All.Select(static guest => guest.ProcessId), now.ProcessId]),
                "nobody maps a page of the old store or has it open");
        }
        finally
        {
            host.Dispose();
        }
    }

    [Theory]
    [InlineData(FaultMode.Signal, TestPoint.MoveClaimed)]
    [InlineData(FaultMode.Signal, TestPoint.MoveSealed)]
    [InlineData(FaultMode.Signal, TestPoint.MoveCompared)]
    [InlineData(FaultMode.Signal, TestPoint.MoveMapped)]
    [InlineData(FaultMode.Kernel, TestPoint.MoveClaimed)]
    [InlineData(FaultMode.Kernel, TestPoint.MoveSealed)]
    [InlineData(FaultMode.Kernel, TestPoint.MoveCompared)]
    [InlineData(FaultMode.Kernel, TestPoint.MoveMapped)]
    public void AGuestKilledHereInTheMiddleOfATakeoverHarmsNobody(FaultMode mode, TestPoint point)
    {
        var host = HostProcess.Start(_folder, KillCount.Limits);
        try
        {
            using var guests = new OracleGuests(host.Socket, Guests, Pages, mode);
            guests.ShareExactly(host);
            var old = new OldStores(host);
            var victim = guests.All[0];
            victim.Do($"park {point}");
            Replace(ref host);
            Until.True(() => bool.Parse(victim.Do($"parked {point}")), "its agent stands at the point");
            guests.Kill(victim);
            guests.ShareExactly(host);
            var now = host;
            Until.True(
                () => !old.AreHeldBy([.. guests.All.Select(static guest => guest.ProcessId), now.ProcessId]),
                "nobody maps a page of the old store or has it open");
        }
        finally
        {
            host.Dispose();
        }
    }

    private void Replace(ref HostProcess host)
    {
        host.Kill();
        host.Dispose();
        host = HostProcess.Start(_folder, KillCount.Limits);
    }

    /// <summary>Some moment: what the test finds must be the same for each.</summary>
    private static void LetSomeTimePass(Random random)
    {
        var moment = TimeSpan.FromMilliseconds(random.Next(300));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < moment;)
        {
            Thread.Yield();
        }
    }

    private static long Merges(HostProcess host) => host.Status().Engine.Totals.Merges;

    private static long Operations(TalkingProcess guest) =>
        long.Parse(guest.Do("operations"), CultureInfo.InvariantCulture);
}
