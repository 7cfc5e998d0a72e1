namespace PageShare.TestKit.Points;

/// <summary>A gate at a test point: stops or counts the threads that pass it, until it is opened.</summary>
/// <remarks>
/// <para>Gates are global to the process: tests that use them must not run in parallel with others. A new gate at a
/// point replaces the one before.</para>
/// <para>Dispose opens the gate, so declare it after the engine: a test that fails half-way then lets its threads go on
/// before the engine waits for them.</para>
/// </remarks>
public sealed class Gate : IDisposable
{
    private const uint Off = 0;
    private const uint Watching = 1;
    private const uint Stopping = 2;

    // No test waits this long unless it fails: generous, for a machine that is busy with other things.
    private const uint DeadlineMilliseconds = 60_000;

    private readonly TestPoint _point;

    private Gate(TestPoint point, uint mode, long? page)
    {
        _point = point;
        Set(mode, page is { } number ? (ulong)number : ulong.MaxValue);
    }

    /// <summary>Stops every thread that comes to the point.</summary>
    /// <param name="point">The point.</param>
    /// <param name="page">First page of the stretch that is to be stopped; null for any, of any guest.</param>
    public static Gate Stop(TestPoint point, long? page = null) => new(point, Stopping, page);

    /// <summary>Counts the threads that come to the point, and lets them pass.</summary>
    /// <inheritdoc cref="Stop"/>
    public static Gate Watch(TestPoint point, long? page = null) => new(point, Watching, page);

    /// <summary>Opens every gate.</summary>
    public static void OpenAll()
    {
        foreach (var point in Enum.GetValues<TestPoint>())
        {
            _ = TestShim.SetGate(point, Off, ulong.MaxValue);
        }
    }

    /// <summary>Waits until so many threads have come to the point.</summary>
    /// <exception cref="TimeoutException">They did not come: whatever should have happened did not.</exception>
    public void Await(int arrivals = 1)
    {
        if (TestShim.AwaitGate(_point, (uint)arrivals, DeadlineMilliseconds) != 0)
        {
            throw new TimeoutException($"{arrivals} threads should have come to {_point}, and have not.");
        }
    }

    /// <summary>Whether so many threads have come to the point by now.</summary>
    public bool HasSeen(int arrivals) => TestShim.AwaitGate(_point, (uint)arrivals, 0) == 0;

    /// <summary>Lets everybody pass from now on, and those go on who stand there; arrivals go on being
    /// counted.</summary>
    public void Open() => Set(Watching, ulong.MaxValue);

    /// <inheritdoc/>
    public void Dispose() => Set(Off, ulong.MaxValue);

    private void Set(uint mode, ulong page)
    {
        var error = TestShim.SetGate(_point, mode, page);
        Assert.Equal(0, error);
    }
}
