using PageShare.Content;
using PageShare.Memory;
using PageShare.UnitTests.Memory;

namespace PageShare.UnitTests.Content;

public sealed class FrameTableTests : IDisposable
{
    private static readonly FrameNumber Frame = new(3);
    private readonly FrameTable _frames = new();

    public void Dispose() => _frames.Dispose();

    [Fact]
    public void FrameInCreationIsLiveThoughNobodyUsesIt()
    {
        _frames.Create(Frame, 77);
        Assert.True(_frames.IsLive(Frame));
        Assert.Equal((1, 0, 0), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));
        Assert.Equal(77u, _frames.HashOf(Frame));
    }

    [Fact]
    public void CreationThatNobodyJoinsEndsWithAFreeFrame()
    {
        _frames.Create(Frame, 77);
        Assert.Equal(0u, _frames.FinishCreation(Frame));
        Assert.False(_frames.IsLive(Frame));
        Assert.Equal(0, _frames.LiveFrames);
        Assert.False(_frames.TryGetHash(Frame, out _));
    }

    [Fact]
    public void FrameThatLosesItsUsersDuringCreationStaysLiveUntilTheEnd()
    {
        _frames.Create(Frame, 77);
        _frames.AddUser(Frame);
        Assert.Equal(0u, _frames.RemoveUser(Frame));
        Assert.True(_frames.IsLive(Frame));
        Assert.Equal((1, 0), (_frames.LiveFrames, _frames.Shared));

        Assert.Equal(0u, _frames.FinishCreation(Frame));
        Assert.False(_frames.IsLive(Frame));
    }

    [Fact]
    public void FirstUserMakesTheFrameSharedAndFurtherOnesShare()
    {
        _frames.Create(Frame, 77);
        _frames.AddUser(Frame);
        _frames.AddUser(Frame);
        _frames.AddUser(Frame);
        Assert.Equal(3u, _frames.FinishCreation(Frame));
        Assert.Equal((1, 1, 2), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));
        Assert.Equal(3u, _frames.Users(Frame));
    }

    [Fact]
    public void LastUserFreesTheFrame()
    {
        _frames.Create(Frame, 77);
        _frames.AddUser(Frame);
        _frames.AddUser(Frame);
        _frames.FinishCreation(Frame);

        Assert.Equal(1u, _frames.RemoveUser(Frame));
        Assert.Equal((1, 0), (_frames.Shared, _frames.Sharing));
        Assert.Equal(0u, _frames.RemoveUser(Frame));

        Assert.Equal((0, 0, 0), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));
        Assert.False(_frames.IsLive(Frame));
        _frames.Create(Frame, 78);
        Assert.Equal(78u, _frames.HashOf(Frame));
    }

    [Fact]
    public void CountsThatDoNotAddUpFailFast()
    {
        Assert.Throws<InvalidOperationException>(() => _frames.AddUser(Frame));
        Assert.Throws<InvalidOperationException>(() => _frames.RemoveUser(Frame));
        Assert.Throws<InvalidOperationException>(() => _frames.HashOf(Frame));
        Assert.Throws<InvalidOperationException>(() => _frames.FinishCreation(Frame));

        _frames.Create(Frame, 1);
        Assert.Throws<InvalidOperationException>(() => _frames.Create(Frame, 1));
        Assert.Throws<InvalidOperationException>(() => _frames.RemoveUser(Frame));

        _frames.AddUser(Frame);
        _frames.FinishCreation(Frame);
        Assert.Throws<InvalidOperationException>(() => _frames.FinishCreation(Frame));
        Assert.Equal((1, 1, 0), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));
    }

    [Fact]
    public void MemoryIsSixBytesAFrameAndAtMostOneChunkMore()
    {
        const int Frames = 100_000;
        for (var frame = 0u; frame < Frames; frame++)
        {
            _frames.Create(new FrameNumber(frame), frame);
        }

        Assert.InRange(_frames.Bytes, 6 * Frames, (6 * Frames) + (192 * 1024));
        Assert.Equal(99_999u, _frames.HashOf(new FrameNumber(99_999)));
    }

    [Fact]
    public void CountsThatDoNotFitIntoTheTableAreKeptAll()
    {
        const uint Most = 70_000;
        var other = new FrameNumber(4);
        _frames.Create(Frame, 77);
        _frames.Create(other, 78);
        for (var users = 1u; users <= Most; users++)
        {
            _frames.AddUser(Frame);
            _frames.AddUser(other);
            Assert.Equal(users, _frames.Users(Frame));
        }

        Assert.Equal(Most, _frames.FinishCreation(Frame));
        Assert.Equal((2, 2, 2 * (Most - 1)), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));
        for (var users = Most; users > 0; users--)
        {
            Assert.Equal(users - 1, _frames.RemoveUser(Frame));
            Assert.Equal(users - 1, _frames.Users(Frame));
        }

        Assert.False(_frames.IsLive(Frame));
        Assert.Equal(Most, _frames.Users(other));
        Assert.Equal((1, 1, Most - 1), (_frames.LiveFrames, _frames.Shared, _frames.Sharing));

        // The next content of the frame has its own count.
        _frames.Create(Frame, 79);
        Assert.Equal(0u, _frames.Users(Frame));
    }

    [Fact]
    public void FramesThatNeverWereAreFree()
    {
        Assert.False(_frames.IsLive(new FrameNumber(0xFFFF_FFFD)));
        Assert.Equal(0u, _frames.Users(new FrameNumber(0xFFFF_FFFD)));
        Assert.False(_frames.TryGetHash(new FrameNumber(0xFFFF_FFFD), out _));
    }

    [Fact]
    public void RandomUseMatchesADictionary()
    {
        var random = SeededRandom.Create();
        var model = new Dictionary<FrameNumber, (uint Users, bool InCreation, uint Hash)>();
        for (var step = 0; step < 50_000; step++)
        {
            // Two clusters, so that frames on both sides of a chunk's end take part.
            var frame = new FrameNumber((uint)random.Next(32_763, 32_773));
            var isLive = model.TryGetValue(frame, out var expected);
            switch (random.Next(5))
            {
                case 0 when !isLive:
                    expected = (0, true, (uint)random.Next());
                    _frames.Create(frame, expected.Hash);
                    break;
                case 1 when isLive && expected.InCreation:
                    expected.InCreation = false;
                    Assert.Equal(expected.Users, _frames.FinishCreation(frame));
                    break;
                case 2 or 3 when isLive && expected.Users < 5:
                    expected.Users++;
                    _frames.AddUser(frame);
                    break;
                case 4 when expected.Users > 0:
                    expected.Users--;
                    Assert.Equal(expected.Users, _frames.RemoveUser(frame));
                    break;
                default:
                    continue;
            }

            model.Remove(frame);
            if (expected.InCreation || expected.Users > 0)
            {
                model.Add(frame, expected);
            }

            Assert.Equal(expected.Users, _frames.Users(frame));
            Assert.Equal(model.ContainsKey(frame), _frames.TryGetHash(frame, out var hash));
            Assert.True(!model.ContainsKey(frame) || hash == expected.Hash);
            Assert.Equal(model.Count, _frames.LiveFrames);
            Assert.Equal(model.Values.Count(entry => entry.Users > 0), _frames.Shared);
            Assert.Equal(model.Values.Sum(entry => Math.Max(0, (long)entry.Users - 1)), _frames.Sharing);
        }
    }
}
