using System.Runtime.ExceptionServices;

namespace PageShare.TestKit.Points;

/// <summary>A thread of a test: runs one action, and hands its exception to whoever finishes it.</summary>
public sealed class Actor
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Thread _thread;
    private ExceptionDispatchInfo? _thrown;

    private Actor(string name, Action work) =>
        _thread = new Thread(() => Run(work)) { IsBackground = true, Name = name };

    /// <summary>Whether the action has ended.</summary>
    public bool IsDone => _thread.Join(0);

    /// <summary>Starts an action on a thread of its own.</summary>
    public static Actor Start(string name, Action work)
    {
        var actor = new Actor(name, work);
        actor._thread.Start();
        return actor;
    }

    /// <summary>Stores one byte, on a thread of its own.</summary>
    /// <remarks>
    /// By libc's memset: a thread that stands at a gate inside the fault handler must not do so in managed code, where
    /// it would stop a garbage collection, and this test with it.
    /// </remarks>
    // SAFETY: the address belongs to a guest, or to memory that a pin keeps, for as long as the test holds it.
    public static unsafe Actor Store(byte* address, byte value) =>
        Start("writer", () => TestShim.FillMemory(address, value, 1));

    /// <summary>Waits until the action has ended, and throws what it threw.</summary>
    /// <exception cref="TimeoutException">It does not end.</exception>
    public void Finish()
    {
        if (!_thread.Join(Deadline))
        {
            throw new TimeoutException($"The {_thread.Name} does not end.");
        }

        _thrown?.Throw();
    }

    /// <summary>Waits until the thread sleeps, for a lock say, or has ended.</summary>
    public void AwaitSleep() => Until.True(
        () => (_thread.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0,
        $"the {_thread.Name} waits");

    private void Run(Action work)
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // whatever it is, the thread that finishes this one throws it
        catch (Exception thrown)
#pragma warning restore CA1031
        {
            _thrown = ExceptionDispatchInfo.Capture(thrown);
        }
    }
}
