using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// Frames, and where contents were last seen. The engine finds contents by hash and checks; a trace numbers them, so
/// the index is an array here and a look-up never wrong. Frames are allotted and counted by the engine's own code.
/// </summary>
/// <param name="contents">One more than the highest number of a content.</param>
/// <param name="pages">Pages of all guests: there are never more frames.</param>
internal sealed class SimulatedDomain(int contents, long pages) : IDisposable
{
    // Of each content: 0 nothing, above 0 a page's id plus 1, below 0 a frame's number plus 1.
    private readonly long[] _index = new long[contents];
    private readonly List<int> _frameContents = [];

    /// <summary>Hands out frames.</summary>
    public FrameAllocator Allocator { get; } = new(pages);

    /// <summary>Counts their users.</summary>
    public FrameTable Frames { get; } = new();

    /// <summary>Entries of the index.</summary>
    public long Entries { get; private set; }

    /// <summary>What a frame holds.</summary>
    public int ContentOf(FrameNumber frame) => _frameContents[(int)frame.Value];

    /// <summary>A frame is filled.</summary>
    public void Fill(FrameNumber frame, int content)
    {
        while (_frameContents.Count <= frame.Value)
        {
            _frameContents.Add(0);
        }

        _frameContents[(int)frame.Value] = content;
    }

    /// <summary>Where a content was seen; false if nowhere.</summary>
    public bool TryFind(uint hash, out ContentRef found)
    {
        long entry = _index[hash];
        found = entry < 0 ? ContentRef.Of(new FrameNumber((uint)(-entry - 1))) : ContentRef.Hint((uint)(entry - 1));
        return entry != 0;
    }

    /// <summary>Notes where a content is seen.</summary>
    public void Set(uint hash, ContentRef reference)
    {
        Entries += _index[hash] == 0 ? 1 : 0;
        _index[hash] = reference.IsFrame ? -(long)reference.Id - 1 : reference.Id + 1L;
    }

    /// <summary>Forgets a content, if this is where it was last seen.</summary>
    public void Remove(uint hash, ContentRef reference)
    {
        if (TryFind(hash, out ContentRef found) && found == reference)
        {
            Entries--;
            _index[hash] = 0;
        }
    }

    /// <summary>A page uses a frame no more.</summary>
    public void Release(FrameNumber frame)
    {
        uint hash = Frames.HashOf(frame);
        if (Frames.RemoveUser(frame) == 0 && !Frames.IsLive(frame))
        {
            Free(frame, hash);
        }
    }

    /// <summary>Ends the creation of a frame.</summary>
    public void FinishCreation(FrameNumber frame)
    {
        uint hash = Frames.HashOf(frame);
        if (Frames.FinishCreation(frame) == 0)
        {
            Free(frame, hash);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Allocator.Dispose();
        Frames.Dispose();
    }

    private void Free(FrameNumber frame, uint hash)
    {
        Remove(hash, ContentRef.Of(frame));
        Allocator.Free(frame, 1);
    }
}
