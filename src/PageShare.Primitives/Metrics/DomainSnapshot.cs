namespace PageShare.Metrics;

/// <summary>One share domain's counters at a moment. Immutable plain data.</summary>
public sealed record DomainSnapshot
{
    /// <summary>The domain's name.</summary>
    public required string Name { get; init; }

    /// <summary>The sum over its guests, and its frame store and index.</summary>
    public required CounterSet Counters { get; init; }
}
