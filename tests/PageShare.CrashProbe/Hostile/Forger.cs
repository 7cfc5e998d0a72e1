using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>
/// Stands in for an agent and answers what it likes, while it scribbles over page words, counters and bitmaps, and
/// rewrites its pages so that it is offered the frames of others.
/// </summary>
internal sealed unsafe class Forger : IDisposable
{
    private readonly RawGuest _guest;
    private readonly Random _random;
    private readonly Thread _scribbler;
    private readonly Thread _answerer;
    private readonly int _scribblerSeed;
    private volatile bool _isEnding;
    private int _answered;

    // SAFETY: table, ring and backing are mapped for the life of the process, with as many words, slots and pages as
    // the answer says.

    public Forger(RawGuest guest, Random random)
    {
        _guest = guest;
        _random = random;
        _scribblerSeed = random.Next();
        _scribbler = new Thread(Scribble) { IsBackground = true };
        _answerer = new Thread(AnswerAll) { IsBackground = true };
    }

    /// <summary>Orders answered so far.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Begins, until it is disposed.</summary>
    public void Start()
    {
        _guest.FillAsOthers(0);
        _guest.Attach();
        _scribbler.Start();
        _answerer.Start();
    }

    /// <summary>Ends it. The last word: more answers than there were orders.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _scribbler.Join();
        _answerer.Join();
        Volatile.Write(ref _guest.Header->Answered, Volatile.Read(ref _guest.Header->Posted) + 77);
    }

    private void AnswerAll()
    {
        var header = _guest.Header;
        while (!_isEnding)
        {
            var answered = Volatile.Read(ref header->Answered);
            if (answered == Volatile.Read(ref header->Posted))
            {
                Thread.Yield();
                continue;
            }

            Answer(&_guest.Slots[answered % RingNative.Orders]);
            Volatile.Write(ref header->Answered, answered + 1);
            Kernel.Wake(&header->Answered); // at once, or the host takes it for late and gives it fewer orders
            Interlocked.Increment(ref _answered);
        }
    }

    /// <summary>Mostly what an honest agent might say, so that the host goes on believing it.</summary>
    private void Answer(RingOrder* order)
    {
        order->Result = _random.Next(6) == 0 ? -_random.Next(1, 130) : 0;
        order->Dropped = (ulong)_random.Next(600);
        for (var i = 0; i < Shim.OrderPages; i++)
        {
            order->Results[i] = (byte)(order->Targets[i] == Shim.TargetNone ? 0 : _random.Next(1, 5));
        }
    }

    private void Scribble()
    {
        var random = new Random(_scribblerSeed);
        var pages = (int)_guest.Answer.Pages;
        for (var round = 0; !_isEnding; round++)
        {
            for (var i = 0; i < 64; i++)
            {
                _guest.Words[random.Next(pages)] = Word(random);
            }

            // Counters that go back, overflow, and mean nothing.
            ((ulong*)_guest.TableView)[random.Next((int)(PageTableMemory.HeaderBytes / sizeof(ulong)))] =
                random.Next(3) switch { 0 => ulong.MaxValue, 1 => 0, _ => (ulong)random.NextInt64() };
            _guest.RingView[_guest.Header->WrittenOffset + (ulong)random.Next(pages / 8)] = (byte)random.Next(256);
            _guest.RingView[_guest.Header->CopiesOffset + (ulong)random.Next(pages / 8)] = (byte)random.Next(256);
            _guest.Header->CpuNanoseconds = (ulong)random.NextInt64();
            _guest.Header->MappingsUsed = (ulong)random.Next(5);
            if (round % 50 == 0)
            {
                _guest.FillAsOthers(random.Next(pages));
            }

            Thread.Yield();
        }
    }

    /// <summary>A word of any state, often one that is legal: a frame of somebody else, or of a store that never
    /// was.</summary>
    private static ulong Word(Random random)
    {
        var state = (ulong)random.Next(random.Next(4) == 0 ? 16 : 8) << 60;
        var pins = random.Next(3) == 0 ? (ulong)random.Next(4096) << 48 : 0;
        var generation = random.Next(3) == 0 ? (ulong)random.Next(256) << 33 : 0;
        var waiters = random.Next(5) == 0 ? 1UL << 32 : 0;
        var frame = random.Next(3) switch
        {
            0 => (ulong)random.Next(2048),
            1 => (ulong)(uint)random.Next(),
            _ => uint.MaxValue,
        };
        return state | pins | generation | waiters | (random.Next(6) == 0 ? 0 : frame);
    }
}
