using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PageShare.Cli.Processes;

/// <summary>
/// What a child process hangs on: standard input, a pipe whose other end its parent holds and never writes to. It ends
/// when the parent does, however that died, so no child outlives it.
/// </summary>
/// <remarks>
/// Not PR_SET_PDEATHSIG, which follows the thread that made the child, not the process: a thread of the pool that ends
/// would take the child with it.
/// </remarks>
internal sealed class Lifeline : IDisposable
{
    private readonly PosixSignalRegistration _interrupt;

    private Lifeline(Action onEnd)
    {
        // Ctrl-C goes to all processes of the terminal. The parent decides what it means.
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        new Thread(() => Wait(onEnd)) { Name = "lifeline", IsBackground = true }.Start();
    }

    /// <summary>Ends this process at once when the parent is gone, whatever its threads are doing.</summary>
    public static Lifeline EndAbruptly() => new(EndNow);

    /// <summary>Asks for a clean end when the parent is gone.</summary>
    /// <param name="end">Cancelled then.</param>
    /// <param name="patience">How long that may take before it ends abruptly.</param>
    public static Lifeline EndCleanly(CancellationTokenSource end, TimeSpan patience) => new(() =>
    {
        end.Cancel();
        using var never = new ManualResetEvent(initialState: false);
        never.WaitOne(patience); // the process ends under this thread, if all is well
        EndNow();
    });

    /// <inheritdoc/>
    public void Dispose() => _interrupt.Dispose();

    private static void Wait(Action onEnd)
    {
        using Stream input = Console.OpenStandardInput();
        Span<byte> nothing = stackalloc byte[16];
        while (input.Read(nothing) > 0)
        {
            // Nobody writes there; whoever does is not the end.
        }

        onEnd();
    }

    // Neither finalizers nor handlers of the process's end: they could wait for the very thing that is gone.
    private static void EndNow() => Process.GetCurrentProcess().Kill();
}
