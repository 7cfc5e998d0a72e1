using System.Runtime.InteropServices;

namespace PageShare.Cli;

/// <summary>
/// The user's wish to stop: the first Ctrl-C (or SIGTERM) asks for a clean end, the second ends the process at once.
/// </summary>
/// <remarks>Thread-safe. While none exists, the signals do what they always do.</remarks>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private int _requests;

    public StopRequest()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    /// <summary>Cancelled by the first request.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        // Signals are handled on threads of the pool, so two may come here at once.
        if (Interlocked.Increment(ref _requests) == 1)
        {
            context.Cancel = true;
            _source.Cancel();
            return;
        }

        // A live display hides the cursor, and nobody else will show it again.
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write("\u001b[?25h");
        }

        Environment.Exit(ExitCode.Aborted);
    }
}
