namespace PageShare.StressTests.Sequences;

/// <summary>What one step of a sequence does.</summary>
internal enum StepKind
{
    /// <summary>Makes a guest of Length bytes; Value picks its domain and mode, and whether it is adopted.</summary>
    Create,

    /// <summary>Disposes a guest.</summary>
    Dispose,

    /// <summary>Makes a guest Length bytes larger.</summary>
    Grow,

    /// <summary>Stores the byte Value.</summary>
    Store,

    /// <summary>Fills a range with the content Value; 0 is zero.</summary>
    Fill,

    /// <summary>Copies to the range from the same range of the guest Value, as far as it has one.</summary>
    Copy,

    /// <summary>Fills a range with the content Value by a system call.</summary>
    ReadFile,

    /// <summary>Reads and compares a range.</summary>
    Check,

    /// <summary>Pins a range.</summary>
    Pin,

    /// <summary>Ends the oldest pin.</summary>
    Unpin,

    /// <summary>Breaks the sharing of a range.</summary>
    EnsureWritable,

    /// <summary>Unshares a guest, or all if Value is 0.</summary>
    Unshare,

    /// <summary>Excludes a guest from sharing, or admits it if Value is not 0.</summary>
    SetSharing,

    /// <summary>Makes a pass.</summary>
    Scan,

    /// <summary>Takes a snapshot and checks the engine's books.</summary>
    CheckBooks,
}

/// <summary>One step; what its numbers mean depends on its kind.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Guest">Number of the guest, in order of creation, gone ones counted.</param>
/// <param name="Offset">First byte of a range.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Value">See <see cref="StepKind"/>.</param>
internal readonly record struct Step(StepKind Kind, int Guest, int Offset, int Length, int Value);
