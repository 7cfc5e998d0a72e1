namespace PageShare.Metrics;

/// <summary>One guest's counters at a moment. Immutable plain data.</summary>
public sealed record GuestSnapshot
{
    /// <summary>The guest's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its share domain.</summary>
    public required string Domain { get; init; }

    /// <summary>How its stores to shared pages are caught.</summary>
    public FaultMode FaultMode { get; init; }

    /// <summary>Whether the scanner looks at it.</summary>
    public bool Sharing { get; init; }

    /// <summary>Its part of the figures; see <see cref="CounterSet"/> for how guests add up to their domain.</summary>
    public required CounterSet Counters { get; init; }
}
