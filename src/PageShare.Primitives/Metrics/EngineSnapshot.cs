namespace PageShare.Metrics;

/// <summary>
/// All counters of an engine at a moment. Plain data that stays as it is. Guests run on while it is taken, so figures
/// of one snapshot may be a few pages apart.
/// </summary>
public sealed record EngineSnapshot
{
    /// <summary>The sum over all domains, and what the engine has of its own.</summary>
    public required CounterSet Totals { get; init; }

    /// <summary>One entry per share domain.</summary>
    public required DomainSnapshot[] Domains { get; init; }

    /// <summary>One entry per guest, in the order of creation.</summary>
    public required GuestSnapshot[] Guests { get; init; }

    /// <summary>What write-protects pages while they are compared: <c>mprotect</c>.</summary>
    public required string SealKind { get; init; }

    /// <summary>
    /// What counts breaks: <c>handler</c> in <see cref="FaultMode.Signal"/>; in <see cref="FaultMode.Kernel"/>
    /// <c>perf</c> (the kernel's page-fault event, at once) or <c>pagemap</c> (at the next pass).
    /// </summary>
    public required string BreakCounting { get; init; }

    /// <summary>
    /// How written pages are found: <c>pagemap</c> (the kernel marks them) or <c>rehash</c> (every pass hashes all
    /// pages).
    /// </summary>
    public string WriteTracking { get; init; } = "rehash";

    /// <summary>Guests in other processes that take no orders now: not yet, or no more since the connection
    /// broke.</summary>
    public int GuestsLost { get; init; }

    /// <summary>
    /// Guests in other processes, gone ones too, that answered an order with what cannot be, and are left alone since.
    /// </summary>
    public long GuestsDistrusted { get; init; }

    /// <summary>What is wrong and what to do about it, a sentence each; empty when all is well.</summary>
    public string[] Warnings { get; init; } = [];
}
