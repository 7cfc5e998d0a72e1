using System.Globalization;
using System.Text.Json;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>Clients that want too much, or too often, or talk nonsense: at their own cost alone.</summary>
public sealed class LimitTests : IDisposable
{
    private const string Bytes = "1048576";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>What a client sends first, and the reason why the host closes.</summary>
    public static TheoryData<string, byte[], RefusalCode> Garbage
    {
        get
        {
            var hello = RawConnection.Frame(MessageKind.Hello, """{"program":"x"}""");
            byte[] version = [.. hello];
            version[4] = 9;
            byte[] oversize = [.. hello];
            oversize[11] = 0x7f;
            byte[] descriptors = [.. hello];
            descriptors[12] = 200;
            byte[] kind = [.. hello];
            kind[6] = 0xee;
            return new()
            {
                { "noise", [.. Enumerable.Range(0, 64).Select(static at => (byte)(at * 37))], RefusalCode.Protocol },
                { "another version", version, RefusalCode.Version },
                { "an oversized body", oversize, RefusalCode.Protocol },
                { "too many descriptors", descriptors, RefusalCode.Protocol },
                { "an unknown kind", kind, RefusalCode.Protocol },
                { "a body that is no JSON", RawConnection.Frame(MessageKind.Hello, "{{{{"), RefusalCode.Protocol },
                { "a body of another shape", RawConnection.Frame(MessageKind.Hello, "[1,2]"), RefusalCode.Protocol },
                { "no hello", RawConnection.Frame(MessageKind.GetStatus, "{}"), RefusalCode.Protocol },
                { "an answer", RawConnection.Frame(MessageKind.Done, "{}"), RefusalCode.Protocol },
            };
        }
    }

    [Fact]
    public void GarbageIsRefusedWithAReasonAndLeavesOtherClientsUnaffected()
    {
        using var host = HostProcess.Start(_folder);
        using var guest = GuestProcess.Start(host);
        guest.Do($"allocate web {Bytes}");
        var descriptors = host.DescriptorCount;
        foreach (var (what, bytes, code) in Garbage.Select(static row => row.Data))
        {
            using var connection = new RawConnection(host.Socket);
            connection.Send(bytes);
            var refusal = connection.ReadRefusal();
            Assert.True(refusal.Code == code, $"{what}: {refusal}");
            Assert.NotEmpty(refusal.Reason);
        }

        // After a proper hello as well.
        using (var connection = new RawConnection(host.Socket))
        {
            connection.Send(RawConnection.Frame(MessageKind.Hello, """{"program":"x"}"""));
            connection.Send("garbage that is longer than a header"u8);
            Assert.NotEmpty(connection.ReadToEnd());
        }

        Until.True(() => host.DescriptorCount <= descriptors, "every connection is closed");
        guest.Do("fill web 0 256 1");
        guest.Do("check web 0 256 1");
        Assert.Single(host.Status().Processes);
    }

    [Fact]
    public void WhoSaysNothingOrStopsInAFrameIsClosed()
    {
        using var host = HostProcess.Start(_folder, "limits.handshakeTimeout=200ms;limits.frameTimeout=200ms");
        using var silent = new RawConnection(host.Socket);
        silent.ReadToEnd();

        using var halting = new RawConnection(host.Socket);
        halting.Send(RawConnection.Frame(MessageKind.Hello, """{"program":"x"}""").AsSpan(0, 20));
        Assert.Equal(RefusalCode.Protocol, halting.ReadRefusal().Code);
        Assert.Empty(host.Status().Processes);
    }

    [Fact]
    public void WhoDoesNotReadItsAnswersIsClosedAndOthersAreServed()
    {
        using var host = HostProcess.Start(_folder, "limits.frameTimeout=300ms");
        using var guest = GuestProcess.Start(host);
        guest.Do($"allocate web {Bytes}");
        using var slow = new RawConnection(host.Socket);
        slow.Send(RawConnection.Frame(MessageKind.Hello, """{"program":"slow","isOperator":true}"""));
        var flood = new Thread(() =>
        {
            var request = RawConnection.Frame(MessageKind.GetStatus, "{}");
            try
            {
                while (true)
                {
                    slow.Send(request);
                }
            }
            catch (System.Net.Sockets.SocketException)
            {
                // The host has had enough.
            }
        });
        flood.Start();
        Until.True(() => host.Log.Contains("The peer has not read", StringComparison.Ordinal), "the host closes it");
        Assert.Single(host.Status().Processes);
        guest.Do("fill web 0 256 1");
        flood.Join();
    }

    [Fact]
    public void ThousandsOfConnectionsComeAndGoWithoutATrace()
    {
        using var host = HostProcess.Start(_folder, "limits.requestsPerSecond=1000000");
        using var guest = GuestProcess.Start(host);
        guest.Do($"allocate web {Bytes}");
        using (HostClient.Connect(host.Socket, "first"))
        {
            // What the first connection leaves behind stays: pools of the runtime.
        }

        var descriptors = host.DescriptorCount;
        for (var round = 0; round < 3000; round++)
        {
            if (round % 3 == 0)
            {
                using var rude = new RawConnection(host.Socket);
            }
            else
            {
                using var client = HostClient.Connect(host.Socket, "passing");
            }
        }

        Until.True(() => host.DescriptorCount <= descriptors + 2, "no descriptor is left open");
        Assert.Single(host.Status().Processes);
        guest.Do("fill web 0 256 1");
        guest.Do("check web 0 256 1");
    }

    [Fact]
    public void ConnectionsBeyondTheLimitAreRefusedWithAReasonUntilSomeEnd()
    {
        using var host = HostProcess.Start(_folder, "limits.connectionsPerUser=5");
        var open = Enumerable.Range(0, 5).Select(_ => HostClient.Connect(host.Socket, "one of many")).ToList();
        var refusal = Assert.Throws<RefusedException>(() => HostClient.Connect(host.Socket, "one too many"));
        Assert.Equal(RefusalCode.OverQuota, refusal.Code);
        open.ForEach(static client => client.Dispose());
        Until.True(
            () =>
            {
                try
                {
                    return host.Status().Processes.Count == 0;
                }
                catch (RefusedException)
                {
                    return false;
                }
            },
            "there is room again");
    }

    [Fact]
    public void WithoutDescriptorsTheHostWaitsForSomeAndGoesOn()
    {
        using var host = HostProcess.Start(
            _folder, "limits.connectionsPerUser=1000", null, "/bin/sh", "-c", "ulimit -n 256; exec \"$@\"", "sh");
        using var guest = GuestProcess.Start(host);
        guest.Do($"allocate web {Bytes}");
        var flood = Enumerable.Range(0, 300).Select(_ => new RawConnection(host.Socket)).ToList();
        Until.True(() => host.Log.Contains("No connection can be accepted", StringComparison.Ordinal),
            "the host says so");
        guest.Do("fill web 0 256 1");
        guest.Do("check web 0 256 1");
        flood.ForEach(static connection => connection.Dispose());
        Until.True(() => host.Log.Contains("accepted again", StringComparison.Ordinal), "the host has recovered");
        Assert.Single(host.Status().Processes);
        guest.Do($"allocate more {Bytes}");
    }

    [Fact]
    public void WithoutDescriptorsAGuestIsRefusedWithAdviceAndTheOthersGoOn()
    {
        using var host = HostProcess.Start(
            _folder, "", null, "/bin/sh", "-c", "ulimit -n 200; exec \"$@\"", "sh");
        using var guest = GuestProcess.Start(host);
        var made = 0;
        string answer;
        while ((answer = guest.Try($"allocate g{made} {Bytes}")).StartsWith("ok", StringComparison.Ordinal))
        {
            made++;
        }

        Assert.Contains("descriptors", answer, StringComparison.Ordinal);
        guest.Do("fill g0 0 256 1");
        guest.Do("check g0 0 256 1");
        guest.Do("free g1");
        guest.Do("free g2");
        guest.Do($"allocate again {Bytes}");
    }

    [Fact]
    public void SixtyFourGuestsAreServedAtOnce()
    {
        using var host = HostProcess.Start(_folder);
        var processes = Enumerable.Range(0, 8).Select(_ => GuestProcess.Start(host)).ToList();
        try
        {
            foreach (var (process, at) in processes.Select(static (process, at) => (process, at)))
            {
                for (var guest = 0; guest < 8; guest++)
                {
                    process.Do($"allocate g{at}-{guest} {Bytes}");
                    process.Do($"fill g{at}-{guest} 0 256 7");
                }
            }

            Until.True(() => host.Status().Engine.Totals.PagesSharing == 63 * 256, "all share one copy");
            Assert.Equal(64, host.Status().Processes.Count);
            Assert.InRange(host.AllocatedPages, 256, 1024);
            foreach (var (process, at) in processes.Select(static (process, at) => (process, at)))
            {
                process.Do($"check g{at}-{at} 0 256 7");
            }
        }
        finally
        {
            processes.ForEach(static process => process.Dispose());
        }

        Until.True(() => host.Status().Processes.Count == 0, "all are gone");
        Until.True(() => host.AllocatedPages == 0, "no page is left allocated");
    }

    [Fact]
    public void SparseGuestsMayBeLargerThanMemoryTogetherAndOneThatNeverFitsIsRefused()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4096 * 4096;
        using var host = HostProcess.Start(_folder, "engine.trackWrites=true");
        using var guest = GuestProcess.Start(host);
        var large = (memory / 4 * 3 / 4096 * 4096).ToString(CultureInfo.InvariantCulture);
        guest.Do($"allocate first {large}");
        guest.Do($"allocate second {large}");
        guest.Do("fill first 100000 64 7");
        guest.Do("fill second 5 64 7");
        var refusal = guest.Fail($"allocate never {1L << 50}");
        Assert.Contains("memory", refusal, StringComparison.OrdinalIgnoreCase);
        guest.Do("check first 100000 64 7");
        Assert.Equal(2, host.Status().Processes.Count);
    }

    [Fact]
    public void AQuotaBoundsWhatAUsersGuestsMayGrowTo()
    {
        var own = JsonSerializer.Serialize(
            PageShare.Platform.Linux.OwnProcess.User.ToString(CultureInfo.InvariantCulture));
        using var host = HostProcess.Start(
            _folder, "", $$"""{ "users": { {{own}}: { "mostBytes": 4194304, "mostGuests": 3, "operator": true } } }""");
        using var guest = GuestProcess.Start(host);
        guest.Do("allocate a 2097152");
        Assert.Contains("may have 4194304 bytes", guest.Fail("allocate b 4194304"), StringComparison.Ordinal);
        guest.Do("free a");
        guest.Do("allocate b 4194304"); // its default room to grow gives way to the quota
        Assert.Contains("may have 4194304 bytes", guest.Fail("allocate c 4096"), StringComparison.Ordinal);
        guest.Kill();

        using var next = GuestProcess.Start(host);
        Until.True(() => host.Status().Processes.Count == 0, "the dead process' guest is off the account");
        next.Do("allocate b 4194304");
    }
}
