using System.Runtime.InteropServices;
using PageShare.Memory;

namespace PageShare.Content;

/// <summary>How many pages use each frame of a domain's store, and the frame's hash: six bytes a frame.</summary>
/// <remarks>
/// <para>A frame is live from <see cref="Create"/> on. While it is in creation it stays live without users; after <see
/// cref="FinishCreation"/> it is live as long as it has one. A merge under way that names a finished frame counts its
/// page as a user beforehand, so that a break elsewhere does not free the frame under it.</para>
/// <para>Counts that do not add up throw <see cref="InvalidOperationException"/>: the engine must fail fast then, since
/// a frame freed too early would show its users another page's bytes. Memory comes in chunks as frame numbers rise, so
/// nothing is copied and at most one chunk is idle. Not thread-safe: guarded by the engine's lock.</para>
/// </remarks>
internal sealed class FrameTable : IDisposable
{
    /// <summary>Bytes that a frame costs.</summary>
    public const int BytesPerFrame = sizeof(uint) + sizeof(ushort);

    // 192 KiB: beyond where calloc begins to take memory straight from the kernel, committed on touch.
    private const int ChunkShift = 15;
    private const int ChunkFrames = 1 << ChunkShift;

    // users: bit 15 set while the frame is in creation, below it the count, or Many.
    private const ushort InCreation = 1 << 15;
    private const ushort Many = InCreation - 1;

    private readonly List<NativeArray<Entry>> _chunks = [];

    // By frame number, the counts from Many on. Such frames are few: each has that many pages.
    private readonly Dictionary<uint, uint> _many = [];

    // One more than the highest frame number that was ever live.
    private long _highWater;

    /// <summary>Frames in creation or in use.</summary>
    public long LiveFrames { get; private set; }

    /// <summary>Frames in use, as KSM's pages_shared.</summary>
    public long Shared { get; private set; }

    /// <summary>Users of frames beyond the first of each, as KSM's pages_sharing.</summary>
    public long Sharing { get; private set; }

    /// <summary>Bytes of the table up to the highest frame that was ever live; what is above is reserved, but not
    /// touched.</summary>
    public long Bytes => _highWater * BytesPerFrame;

    /// <summary>Makes a free frame live, in creation and without users; its content has this hash.</summary>
    /// <exception cref="InvalidOperationException">The frame is live already.</exception>
    public void Create(FrameNumber frame, uint hash)
    {
        while (frame.Value >> ChunkShift >= _chunks.Count)
        {
            _chunks.Add(NativeArray<Entry>.Allocate(ChunkFrames));
        }

        ref var entry = ref EntryOf(frame);
        if (entry.Users != 0)
        {
            throw Broken(frame, "is created though it is live");
        }

        entry = new Entry { Hash = hash, Users = InCreation };
        _highWater = Math.Max(_highWater, frame.Value + 1L);
        LiveFrames++;
    }

    /// <summary>Ends the frame's creation.</summary>
    /// <returns>Its users. With none it is free from now on, for the caller to give back.</returns>
    /// <exception cref="InvalidOperationException">The frame is not in creation.</exception>
    public uint FinishCreation(FrameNumber frame)
    {
        ref var entry = ref LiveEntryOf(frame);
        if ((entry.Users & InCreation) == 0)
        {
            throw Broken(frame, "ends its creation twice");
        }

        entry.Users &= Many;
        LiveFrames -= entry.Users == 0 ? 1 : 0;
        return Users(frame);
    }

    /// <summary>Whether the frame is in creation or in use.</summary>
    public bool IsLive(FrameNumber frame) => Find(frame).Users != 0;

    /// <summary>How many pages use the frame.</summary>
    public uint Users(FrameNumber frame)
    {
        var users = (uint)Find(frame).Users & Many;
        return users == Many ? _many[frame.Value] : users;
    }

    /// <summary>Counts one more page that uses the frame.</summary>
    /// <exception cref="InvalidOperationException">The frame is not live, or has 2^31 - 1 users.</exception>
    /// <exception cref="OutOfMemoryException">It has more users than most, and there is no memory for their count, which is
    /// unchanged.</exception>
    public void AddUser(FrameNumber frame)
    {
        ref var entry = ref LiveEntryOf(frame);
        var users = Users(frame);
        if (users == int.MaxValue)
        {
            throw Broken(frame, "has too many users");
        }

        SetUsers(frame, ref entry, users + 1);
        _ = users == 0 ? Shared++ : Sharing++;
    }

    /// <summary>Counts one page less that uses the frame.</summary>
    /// <returns>The users left. With none the frame is free from now on, unless it is in creation.</returns>
    /// <exception cref="InvalidOperationException">The frame has no user.</exception>
    public uint RemoveUser(FrameNumber frame)
    {
        ref var entry = ref LiveEntryOf(frame);
        var users = Users(frame);
        if (users == 0)
        {
            throw Broken(frame, "loses a user that it does not have");
        }

        var left = users - 1;
        SetUsers(frame, ref entry, left);
        if (left == 0)
        {
            Shared--;
            LiveFrames -= entry.Users == 0 ? 1 : 0;
        }
        else
        {
            Sharing--;
        }

        return left;
    }

    /// <summary>The hash of a live frame's content.</summary>
    /// <exception cref="InvalidOperationException">The frame is not live.</exception>
    public uint HashOf(FrameNumber frame) => LiveEntryOf(frame).Hash;

    /// <summary>
    /// The hash of the frame's content; false when the frame is free. The frames' part of a content source.
    /// </summary>
    public bool TryGetHash(FrameNumber frame, out uint hash)
    {
        var entry = Find(frame);
        hash = entry.Hash;
        return entry.Users != 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var chunk in _chunks)
        {
            chunk.Dispose();
        }

        _chunks.Clear();
    }

    private static InvalidOperationException Broken(FrameNumber frame, string what) =>
        new($"Broken invariant: {frame} {what}.");

    private void SetUsers(FrameNumber frame, ref Entry entry, uint users)
    {
        if (users >= Many)
        {
            _many[frame.Value] = users;
        }
        else if ((entry.Users & Many) == Many)
        {
            _many.Remove(frame.Value);
        }

        entry.Users = (ushort)(((uint)entry.Users & InCreation) | Math.Min(users, Many));
    }

    private Entry Find(FrameNumber frame) => frame.Value >> ChunkShift < _chunks.Count ? EntryOf(frame) : default;

    private ref Entry EntryOf(FrameNumber frame) =>
        ref _chunks[(int)(frame.Value >> ChunkShift)][frame.Value & (ChunkFrames - 1)];

    private ref Entry LiveEntryOf(FrameNumber frame)
    {
        if (!IsLive(frame))
        {
            throw Broken(frame, "is used though it is free");
        }

        return ref EntryOf(frame);
    }

    [StructLayout(LayoutKind.Sequential, Pack = sizeof(ushort))]
    private struct Entry
    {
        public uint Hash;
        public ushort Users;
    }
}
