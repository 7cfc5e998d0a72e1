namespace PageShare.Merge;

/// <summary>What a region is made from.</summary>
/// <param name="Name">The guest's name.</param>
/// <param name="Domain">The share domain.</param>
/// <param name="Pages">Pages at the start.</param>
/// <param name="MaximumPages">Pages that it may grow to.</param>
/// <param name="FaultMode">How stores to shared pages are caught.</param>
/// <param name="BreakTimeout">How long a break may wait for memory.</param>
/// <param name="BreakPages">Most pages that one store breaks.</param>
/// <param name="IsAdopted">Whether the memory is somebody else's and goes back to them.</param>
/// <param name="Budget">Which runs are worth a mapping in the process that maps it.</param>
/// <param name="TrackWrites">Whether the kernel tells which pages were written; else every pass hashes all.</param>
internal sealed record RegionSpec(
    string Name,
    ShareDomain Domain,
    long Pages,
    long MaximumPages,
    FaultMode FaultMode,
    TimeSpan BreakTimeout,
    int BreakPages,
    bool IsAdopted,
    MappingBudget Budget,
    bool TrackWrites);
