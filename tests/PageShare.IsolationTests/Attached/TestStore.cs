using PageShare.Memory;
using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>A test host's frame store of one domain.</summary>
internal sealed unsafe class TestStore : IDisposable
{
    public const long Frames = 4096;

    private readonly MemoryObject _memory;
    private long _next;

    public TestStore(IPlatform platform, string name)
    {
        _memory = platform.CreateMemoryObject(name, Frames * PageSize.Bytes);
        Reader = _memory.OpenReadOnly();
    }

    /// <summary>What guests get.</summary>
    public MemoryObject Reader { get; }

    /// <summary>Writes a new frame.</summary>
    public uint Add(PageContent content)
    {
        var bytes = new byte[PageSize.Bytes];
        content.WriteTo(bytes);
        return Add(bytes);
    }

    /// <summary>The same with any bytes.</summary>
    public uint Add(ReadOnlySpan<byte> bytes)
    {
        var frame = Interlocked.Increment(ref _next) - 1;
        fixed (byte* first = bytes)
        {
            Assert.True(_memory.TryWrite(frame * PageSize.Bytes, first, PageSize.Bytes));
        }

        return (uint)frame;
    }

    public void Dispose()
    {
        _memory.Dispose();
        Reader.Dispose();
    }
}
