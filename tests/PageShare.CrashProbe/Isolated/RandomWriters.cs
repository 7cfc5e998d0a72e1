using System.Runtime.InteropServices;
using PageShare.TestKit;
using PageShare.TestKit.Points;

namespace PageShare.CrashProbe.Isolated;

/// <summary>
/// Threads that store to a guest without end, each to pages of its own, and beside it to a mirror in ordinary memory:
/// the oracle. Contents are few, so that pages become equal to others again and again, and most stores go to few pages,
/// so that the others are quiet long enough to be shared.
/// </summary>
internal sealed unsafe class RandomWriters : IDisposable
{
    private const int Contents = 96;
    private const int HotPart = 16;

    private readonly MappedGuest _guest;
    private readonly byte* _mirror;
    private readonly int _pages;
    private readonly Random[] _random;
    private readonly List<Thread> _threads = [];
    private volatile bool _isStopping;
    private long _operations;
    private ProbeFailedException? _failure;

    // SAFETY: guest and mirror have as many pages as this counts, and live as long as this object; each page is stored
    // to by one thread at a time.

    public RandomWriters(MappedGuest guest, int writers, int seed)
    {
        _guest = guest;
        _pages = (int)(guest.Length / PageContent.Bytes);
        _mirror = (byte*)NativeMemory.AllocZeroed((nuint)guest.Length);
        _random = [.. Enumerable.Range(0, writers).Select(writer => new Random(unchecked((seed * 31) + writer)))];
    }

    /// <summary>Stores so far.</summary>
    public long Operations => Interlocked.Read(ref _operations);

    /// <summary>Lets them begin, or go on.</summary>
    public void Start()
    {
        _isStopping = false;
        for (var writer = 0; writer < _random.Length; writer++)
        {
            var own = writer;
            var thread = new Thread(() => Write(own)) { IsBackground = true };
            thread.Start();
            _threads.Add(thread);
        }
    }

    /// <summary>Stops them and checks every byte.</summary>
    public void StopAndCheck()
    {
        _isStopping = true;
        CheckAll();
        if (_failure is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>
    /// Stores a byte to every page, on a thread of its own. By native code, since it may be held in the fault handler,
    /// where managed code would hold up a garbage collection, and with it whoever talks to this process.
    /// </summary>
    public void Touch(byte value)
    {
        var thread = new Thread(() =>
        {
            for (var at = 0L; at < _guest.Length; at += PageContent.Bytes)
            {
                TestShim.FillMemory(_guest.Pointer + at, value, 1);
                _mirror[at] = value;
            }
        })
        { IsBackground = true };
        thread.Start();
        _threads.Add(thread);
    }

    /// <summary>Checks every byte, once nobody is storing.</summary>
    public void CheckAll()
    {
        _threads.ForEach(static thread => thread.Join());
        _threads.Clear();
        for (var page = 0; page < _pages; page++)
        {
            Check(page);
        }
    }

    /// <summary>Writes all pages, each with a content that no other has, and that depends on this number
    /// alone.</summary>
    public void Rewrite(long number)
    {
        for (var page = 0; page < _pages; page++)
        {
            Write(page, PageContent.Unique(((number + 1) << 24) + page));
        }
    }

    public void Dispose()
    {
        _isStopping = true;
        _threads.ForEach(static thread => thread.Join());
        NativeMemory.Free(_mirror);
    }

    private void Write(int writer)
    {
        try
        {
            var random = _random[writer];
            while (!_isStopping)
            {
                Step(writer, random);
                Interlocked.Increment(ref _operations);
            }
        }
        catch (ProbeFailedException failure)
        {
            _failure = failure;
        }
    }

    private void Step(int writer, Random random)
    {
        // A page of this writer: hot ones mostly.
        var range = random.Next(8) == 0 ? _pages : Math.Max(_random.Length, _pages / HotPart);
        var page = (random.Next(range / _random.Length) * _random.Length) + writer;
        switch (random.Next(8))
        {
            case 0:
                Check(page);
                break;
            case 1 or 2:
                Write(page, PageContent.Unique(1 + random.Next(Contents)));
                break;
            case 3:
                Write(page, PageContent.Zero);
                break;
            default:
                var at = ((long)page * PageContent.Bytes) + random.Next(PageContent.Bytes);
                var value = (byte)random.Next(2);
                Volatile.Write(ref _guest.Pointer[at], value);
                _mirror[at] = value;
                break;
        }
    }

    private void Write(int page, PageContent content)
    {
        content.WriteTo(_guest.AsSpan((long)page * PageContent.Bytes, PageContent.Bytes));
        content.WriteTo(MirrorOf(page));
    }

    private void Check(int page)
    {
        var found = _guest.AsSpan((long)page * PageContent.Bytes, PageContent.Bytes);
        var at = found.CommonPrefixLength(MirrorOf(page));
        ProbeFailedException.ThrowIf(
            at != PageContent.Bytes,
            $"Guest '{_guest.Name}', page {page}: byte {at} is not what was written; it holds a "
            + PageContent.Describe(found));
    }

    private Span<byte> MirrorOf(int page) => new(_mirror + ((long)page * PageContent.Bytes), PageContent.Bytes);
}
