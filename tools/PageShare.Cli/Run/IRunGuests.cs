using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>The guests of a run and what shares their memory, wherever they live: in this process, or each in one of its
/// own.</summary>
/// <remarks>The methods belong to one thread; <see cref="Snapshot"/> and <see cref="AskKernel"/> may be called by
/// any.</remarks>
internal interface IRunGuests : IDisposable
{
    /// <summary>Cancelled when there is no point in going on: a guest found a wrong byte, or is gone.</summary>
    CancellationToken Faulted { get; }

    /// <summary>How the guests are kept apart.</summary>
    IsolationReport Isolation { get; }

    /// <summary>Makes all guests and has them load; nothing is shared yet.</summary>
    /// <exception cref="OperationCanceledException">The user stopped it.</exception>
    LoadedPages Load(CancellationToken stop);

    /// <summary>Lets guests read and write.</summary>
    void StartWork();

    /// <summary>Ends that; when it returns, all are still. Harmless again.</summary>
    void StopWork();

    /// <summary>What guests did until <see cref="StopWork"/>.</summary>
    WorkDone Work { get; }

    /// <summary>Lets the scanner share, in the background.</summary>
    void StartSharing();

    /// <summary>Ends that; when it returns, nothing more is merged.</summary>
    void StopSharing();

    /// <summary>Scans one full pass whether the machine is idle or not.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    PassReport ScanPass(CancellationToken cancellationToken);

    /// <summary>Kills what shares the memory as no program can resist, and has a new one take over.</summary>
    void KillHost();

    /// <summary>All counters now.</summary>
    EngineSnapshot Snapshot();

    /// <summary>The kernel's figure now; null where it has none.</summary>
    KernelFigure? AskKernel(bool withCopies);

    /// <summary>CPU seconds of all processes of the run so far.</summary>
    double CpuSeconds();

    /// <summary>Verifies every byte. Guests and scanner must be still.</summary>
    IReadOnlyList<GuestVerdict> Verify();
}

/// <summary>What guests did in a run.</summary>
/// <param name="PagesWritten">Pages that they wrote.</param>
/// <param name="PagesRead">Pages that they read and checked.</param>
/// <param name="Faults">What they found wrong, in words.</param>
internal sealed record WorkDone(long PagesWritten, long PagesRead, IReadOnlyList<string> Faults);
