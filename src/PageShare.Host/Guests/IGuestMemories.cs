using System.Runtime.InteropServices;
using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare.Host.Guests;

/// <summary>Makes the memory of guests: the engine, or what stands for it in tests.</summary>
internal interface IGuestMemories
{
    /// <summary>Settings of the engine.</summary>
    EngineOptions Options { get; }

    /// <summary>New memory.</summary>
    IGuestMemory Create(IsolatedSpec spec);

    /// <summary>Memory that comes from another host. Takes the descriptors over, whatever happens.</summary>
    /// <exception cref="UntrustedMemoryException">It is not what a host made.</exception>
    IGuestMemory Resume(ResumeSpec spec);

    /// <summary>All counters.</summary>
    EngineSnapshot Snapshot();
}

/// <summary>One guest's memory, as <see cref="IsolatedGuest"/> describes it.</summary>
internal interface IGuestMemory : IDisposable
{
    string Domain { get; }

    FaultMode FaultMode { get; }

    long Pages { get; }

    long MaximumPages { get; }

    long StoreBytes { get; }

    bool TrackWrites { get; }

    TimeSpan BreakTimeout { get; }

    int BreakPages { get; }

    bool Sharing { get; set; }

    IsolatedState State { get; }

    string? WhyDistrusted { get; }

    long PagesToMove { get; }

    SafeHandle Backing { get; }

    SafeHandle Table { get; }

    SafeHandle Ring { get; }

    SafeHandle Store { get; }

    IReadOnlyList<(int Generation, SafeHandle Store)> Stores { get; }

    void Attach();

    void Detach();

    void Grow(long pages);

    bool Unshare();

    GuestSnapshot Snapshot();

    int ReadKinds(long firstPage, Span<char> kinds);
}
