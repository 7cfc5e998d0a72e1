namespace PageShare.Workloads.Traces;

/// <summary>What the memory of some guests holds at two moments.</summary>
/// <remarks>Reading it is thread-safe.</remarks>
internal interface IMemoryTrace : IDisposable
{
    /// <summary>What it is, for reports.</summary>
    string Name { get; }

    /// <summary>The guests' names.</summary>
    IReadOnlyList<string> Guests { get; }

    /// <summary>Pages of a guest.</summary>
    int PagesOf(int guest);

    /// <summary>Reads consecutive pages as they are at a moment.</summary>
    /// <param name="guest">Index into <see cref="Guests"/>.</param>
    /// <param name="moment">Which of the two.</param>
    /// <param name="page">The first page.</param>
    /// <param name="into">Whole pages, all inside the guest.</param>
    void Read(int guest, Moment moment, int page, Span<byte> into);
}

/// <summary>A moment of a trace.</summary>
internal enum Moment
{
    /// <summary>Before the guests were busy.</summary>
    Idle,

    /// <summary>While they were.</summary>
    Active,
}
