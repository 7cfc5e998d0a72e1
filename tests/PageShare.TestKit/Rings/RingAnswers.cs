using PageShare.Platform;

namespace PageShare.TestKit.Rings;

/// <summary>Stands in for an agent: answers orders with whatever a test wants, in the ring of a guest that has
/// none.</summary>
/// <remarks>By one thread of its own, until it is disposed.</remarks>
internal sealed unsafe class RingAnswers : IDisposable
{
    private readonly RingGuest _guest;
    private readonly Answer _answer;
    private readonly Thread _thread;
    private volatile bool _isEnding;
    private int _given;

    // SAFETY: the ring is mapped as long as the guest, which the test holds longer than this.

    public RingAnswers(RingGuest guest, Answer answer)
    {
        _guest = guest;
        _answer = answer;
        _thread = new Thread(Run) { IsBackground = true, Name = "false agent" };
        _thread.Start();
    }

    /// <summary>Writes an answer into an order's slot.</summary>
    public delegate void Answer(RingOrder* order);

    /// <summary>Orders answered.</summary>
    public int Given => Volatile.Read(ref _given);

    public void Dispose()
    {
        _isEnding = true;
        _thread.Join();
    }

    private void Run()
    {
        var header = (RingHeader*)_guest.Ring;
        var spin = default(SpinWait);
        while (!_isEnding)
        {
            var answered = Volatile.Read(ref header->Answered);
            if (answered == Volatile.Read(ref header->Posted))
            {
                spin.SpinOnce(sleep1Threshold: -1);
                continue;
            }

            var slots = (RingOrder*)(_guest.Ring + sizeof(RingHeader));
            _answer(&slots[answered % RingNative.Orders]);
            Volatile.Write(ref header->Answered, answered + 1);
            Interlocked.Increment(ref _given);
            Volatile.Write(ref header->HostWaits, 0); // whoever waits looks again when its time is over
        }
    }
}
