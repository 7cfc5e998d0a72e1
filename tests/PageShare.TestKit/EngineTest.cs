using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.TestKit;

/// <summary>
/// What tests of a whole engine begin with. When a test has ended, gates are open, nothing fails on purpose any more,
/// and nothing of its engines may be left in the process.
/// </summary>
public abstract class EngineTest : IDisposable
{
    private readonly List<TestEngine> _engines = [];
    private readonly List<IDisposable> _others = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        // The order matters when a test has failed half-way: threads at gates keep engines from ending.
        Gate.OpenAll();
        Injection.EndAll();
        _engines.ForEach(static engine => engine.Dispose());
        _others.ForEach(static other => other.Dispose());
        GC.SuppressFinalize(this);
        Assert.Empty(MemoryObjects.Names);
    }

    /// <summary>Starts an engine that does nothing by itself; it ends with the test.</summary>
    protected TestEngine Start(FaultMode mode) => Keep(TestEngine.Start(mode));

    /// <summary>The same, with written pages told by the kernel or not.</summary>
    protected TestEngine Start(FaultMode mode, bool tracking) =>
        Start(TestEngine.Defaults with { FaultMode = mode, TrackWrites = tracking });

    /// <summary>Starts an engine that ends with the test.</summary>
    protected TestEngine Start(EngineOptions options) => Keep(TestEngine.Start(options));

    /// <summary>Has anything else end with the test, after its engines.</summary>
    protected T Own<T>(T other)
        where T : IDisposable
    {
        _others.Add(other);
        return other;
    }

    /// <summary>Has an engine end with the test.</summary>
    protected TestEngine Keep(TestEngine engine)
    {
        _engines.Add(engine);
        return engine;
    }
}
