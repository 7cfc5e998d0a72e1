using PageShare.Merge;

namespace PageShare.Scan;

/// <summary>
/// Asks the agents of guests in other processes how these are: whether faults still reach the shim there, and how many
/// mappings are left.
/// </summary>
/// <remarks>Guard: the engine's lock.</remarks>
internal sealed class AgentCheck(EngineOptions options, TimeProvider time)
{
    // Counting a process's mappings takes a microsecond each, so it is not done in every pass.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(2);

    /// <summary>Asks, if the last answer is old.</summary>
    /// <returns>False while there is no answer: nothing must be merged in that process before.</returns>
    public bool TryUpdate(GuestRegion region)
    {
        if (region.Ring is not { } ring)
        {
            return true;
        }

        if (region.HealthTakenAt is { } taken && time.GetElapsedTime(taken) < Lifetime)
        {
            return true;
        }

        if (!ring.TryAskHealth(options.ReserveMappings, out var health))
        {
            return false;
        }

        region.HealthTakenAt = time.GetTimestamp();
        region.HandlerWasReplaced |= !health.HandlerIsInstalled;
        region.Budget.Limit = options.MappingBudget
            ?? Math.Max(0, (health.MappingLimit / 2) - (health.MappingsUsed - region.Budget.Used));
        return true;
    }
}
