using System.Globalization;
using System.Runtime.InteropServices;
using PageShare.Platform;

namespace PageShare.Fault;

/// <summary>
/// Kernel mode: where the kernel's perf events tell of breaks at once, the addresses of all minor faults of this
/// process.
/// </summary>
/// <remarks>
/// A fault is only a hint: the first read of a page is one too, so <see cref="AnonymousCopies"/> asks the page table
/// before it counts. Not all breaks are reported (a full ring, the kernel's own access to guest memory, a system
/// call's where <see cref="SeesSystemCalls"/> is false): the next pass finds those. Costs 0.4–0.7 µs for each minor
/// fault in the process, a tenth of a microsecond for each switch between threads, and one descriptor for each thread
/// and CPU. Guard: the engine's lock, for <see cref="Drain"/>; all else is thread-safe.
/// </remarks>
internal sealed unsafe class BreakEvents : IDisposable
{
    /// <summary>
    /// Most locked memory of all rings together. Up to 32 CPUs it gives each as much as the kernel lets anybody lock:
    /// 512 KiB, 32,767 breaks between two calls of <see cref="Drain"/>.
    /// </summary>
    public const long MemoryBytes = 16L << 20;

    private const int NotPermitted = 1;
    private const int OutOfMemory = 12;
    private const int AccessDenied = 13;
    private const int TooManyFiles = 24;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;

    private readonly BreakEventsHandle _handle;

    private BreakEvents(BreakEventsHandle handle)
    {
        _handle = handle;
        SeesSystemCalls = BreakEventsNative.SeeSystemCalls(handle) != 0;
        Bytes = (long)BreakEventsNative.RingBytes(handle);
    }

    /// <summary>Whether breaks that a system call causes are reported too, which takes a privilege.</summary>
    public bool SeesSystemCalls { get; }

    /// <summary>Locked memory of the rings.</summary>
    public long Bytes { get; }

    /// <summary>Faults lost since a ring was full, as far as drained. Not all of them were breaks.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public long Lost => (long)BreakEventsNative.Lost(_handle);

    /// <summary>Starts to record the faults of all threads that this process has and will have.</summary>
    /// <param name="whyNot">Where the machine does not allow it: why, and what would. Empty otherwise.</param>
    /// <returns>Null where the machine does not allow it; breaks are counted at the next pass then.</returns>
    public static BreakEvents? TryOpen(out string whyNot)
    {
        try
        {
            int error;
            var handle = BreakEventsNative.Open((ulong)MemoryBytes, &error); // SAFETY: written during the call only
            if (!handle.IsInvalid)
            {
                whyNot = "";
                return new BreakEvents(handle);
            }

            handle.Dispose();
            whyNot = Explain(-error);
        }
        catch (EntryPointNotFoundException)
        {
            whyNot = "this system has no page-fault events.";
        }

        return null;
    }

    /// <summary>Takes recorded faults out of the rings.</summary>
    /// <param name="addresses">Receives page addresses, ascending, some perhaps repeated.</param>
    /// <returns>How many; less than there is room for when none are left.</returns>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public int Drain(Span<nuint> addresses)
    {
        // SAFETY: a native integer has 64 bits wherever the shim runs; the shim writes no more than the given length.
        fixed (nuint* first = addresses)
        {
            var count = (int)BreakEventsNative.Drain(_handle, (ulong*)first, (ulong)addresses.Length);

            // Each CPU's come in the order of time. Sorted, one region's lie together, and so do neighbours.
            addresses[..count].Sort();
            return count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static string Explain(int error) => error switch
    {
        AccessDenied => "the kernel does not allow it: 'sysctl -w kernel.perf_event_paranoid=2' does.",
        NotPermitted => "a seccomp filter or security module forbids perf_event_open; containers usually have one.",
        NoSuchCall => "this kernel was built without perf events.",
        NotSupported => "this system has no page-fault events.",
        TooManyFiles => "it takes a descriptor for each thread and CPU, more than a quarter of what this process may "
            + "open: raise the limit with 'ulimit -n'.",
        OutOfMemory => "its rings are more than this process may lock: raise the limit with 'ulimit -l', or "
            + "kernel.perf_event_mlock_kb.",
        _ => string.Create(
            CultureInfo.InvariantCulture, $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})."),
    };
}
