namespace PageShare.CrashProbe.Oracle;

/// <summary>How one run of the oracle goes.</summary>
/// <param name="Seed">Of all that is random.</param>
/// <param name="Modes">Fault modes of the guests, in turn.</param>
/// <param name="Writers">Threads that store.</param>
/// <param name="Operations">Operations of each.</param>
/// <param name="CorruptsOneByte">Whether a byte is changed behind the oracle's back, to see that it is found.</param>
internal sealed record OracleSettings(
    int Seed, IReadOnlyList<FaultMode> Modes, int Writers, int Operations, bool CorruptsOneByte)
{
    /// <summary>Threads that scan.</summary>
    public int ScannerThreads { get; init; } = 1;

    /// <summary>Guests at the start.</summary>
    public int Guests { get; init; } = 3;

    /// <summary>Pages of each; it may grow to twice that.</summary>
    public int Pages { get; init; } = 96;

    /// <summary>Passes that must have been made before writers end.</summary>
    public int Passes { get; init; } = 100;

    /// <summary>Pages that must have been merged.</summary>
    public int Merges { get; init; } = 500;

    /// <summary>Of these, pages that must have been seen broken.</summary>
    public int Breaks { get; init; } = 200;
}
