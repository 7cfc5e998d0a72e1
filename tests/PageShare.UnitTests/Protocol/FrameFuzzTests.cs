using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.UnitTests.Protocol;

/// <summary>
/// Random and mutated frames: each is either read or refused by a <see cref="ProtocolException"/>, and no descriptor is
/// left over.
/// </summary>
public sealed class FrameFuzzTests
{
    private const int FramesInMemory = 1_000_000;
    private const int FramesOverSockets = 10_000;

    [Fact]
    public void AMillionFramesAreReadOrRefused()
    {
        var seed = Seeds.Create().Next();
        var workers = Math.Min(Environment.ProcessorCount, 8);
        var outcomes = new (int Read, int Headers, int Bodies)[workers];
        Parallel.For(0, workers, worker =>
        {
            var random = new Random(seed + worker);
            var mutations = new FrameMutations(random);
            for (var i = worker; i < FramesInMemory; i += workers)
            {
                var frame = mutations.Next();
                try
                {
                    ref var outcome = ref Parse(frame, ref outcomes[worker]);
                    outcome++;
                }
                catch (Exception unexpected)
                {
                    throw new InvalidOperationException(
                        $"Frame {i} of seed {seed}: {Convert.ToHexString(frame)}", unexpected);
                }
            }
        });

        // All three outcomes in numbers, or the mutations would test one step alone.
        Assert.Equal(FramesInMemory, outcomes.Sum(static count => count.Read + count.Headers + count.Bodies));
        Assert.True(outcomes.Sum(static count => count.Read) > FramesInMemory / 20);
        Assert.True(outcomes.Sum(static count => count.Headers) > FramesInMemory / 20);
        Assert.True(outcomes.Sum(static count => count.Bodies) > FramesInMemory / 20);
    }

    [Fact]
    public void PiecesOfAnySizeGiveTheSameAsTheWhole()
    {
        var random = Seeds.Create();
        var mutations = new FrameMutations(random);
        for (var i = 0; i < 50_000; i++)
        {
            var frame = mutations.Next();
            var isFrame = frame.Length >= FrameHeader.Bytes
                && FrameHeader.TryParse(frame, out var header, out _)
                && header.Descriptors == 0
                && frame.Length >= FrameHeader.Bytes + header.BodyLength;
            using var assembly = new FrameAssembly();
            Assert.Equal(isFrame, Feed(assembly, frame, random));
        }
    }

    [LinuxFact]
    public void TenThousandFramesOverSocketsLeaveNoDescriptorBehind()
    {
        var random = Seeds.Create();
        var mutations = new FrameMutations(random);
        using var memory = Memfd.Create("fuzzed-descriptor", 4096);
        var read = 0;
        var refused = 0;
        for (var sent = 0; sent < FramesOverSockets;)
        {
            using var pair = new UnixSocketPair();
            using var channel = FrameChannel.FromSocket(pair.One);
            var frames = random.Next(1, 8);
            for (var i = 0; i < frames && sent < FramesOverSockets; i++, sent++)
            {
                var descriptors = random.Next(4) == 0 ? random.Next(20) : -1;
                Send(pair, mutations.Next(), memory, descriptors);
            }

            pair.Other.Dispose();
            try
            {
                while (channel.Receive(TimeSpan.FromSeconds(30)) is { } frame)
                {
                    using (frame)
                    {
                        read++;
                        MessageBody.Read(frame.Kind, frame.Body.Span);
                    }
                }
            }
            catch (ProtocolException)
            {
                refused++;
            }
        }

        Assert.Equal(1, OpenDescriptors.CountOf("fuzzed-descriptor"));
        Assert.True(read > 500 && refused > 500, $"{read} read, {refused} refused");
    }

    private static ref int Parse(byte[] frame, ref (int Read, int Headers, int Bodies) outcome)
    {
        if (frame.Length < FrameHeader.Bytes || !FrameHeader.TryParse(frame, out var header, out _)
            || header.BodyLength != frame.Length - FrameHeader.Bytes)
        {
            return ref outcome.Headers;
        }

        try
        {
            MessageBody.Read(header.Kind, frame.AsSpan(FrameHeader.Bytes));
            return ref outcome.Read;
        }
        catch (ProtocolException)
        {
            return ref outcome.Bodies;
        }
    }

    private static bool Feed(FrameAssembly assembly, byte[] bytes, Random random)
    {
        try
        {
            for (var at = 0; at < bytes.Length && !assembly.IsComplete;)
            {
                var room = assembly.Wanted;
                var piece = Math.Min(Math.Min(room.Length, bytes.Length - at), random.Next(1, 40));
                bytes.AsSpan(at, piece).CopyTo(room);
                assembly.Advance(piece, isTruncated: false);
                at += piece;
            }

            return assembly.IsComplete;
        }
        catch (ProtocolException)
        {
            return false;
        }
    }

    private static void Send(UnixSocketPair pair, byte[] frame, Memfd memory, int descriptors)
    {
        if (frame.Length == 0)
        {
            return;
        }

        // As many as the header announces, if it is one, unless the caller wants otherwise.
        if (descriptors < 0)
        {
            descriptors = frame.Length >= FrameHeader.Bytes && FrameHeader.TryParse(frame, out var header, out _)
                ? header.Descriptors
                : 0;
        }

        int[] numbers = [.. Enumerable.Repeat(memory.Descriptor, descriptors)];
        Assert.True(UnixSocket.TrySend(pair.Other, frame, numbers) > 0);
    }
}
