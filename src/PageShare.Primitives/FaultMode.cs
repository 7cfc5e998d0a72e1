namespace PageShare;

/// <summary>How a guest's stores to shared pages are caught.</summary>
/// <remarks>Values equal <c>ps_fault_mode</c> of the native interface.</remarks>
public enum FaultMode
{
    /// <summary>
    /// Shared pages are mapped read-only; a store raises a fault that PageShare's native handler answers. Counted
    /// exactly at the fault, and portable. A system call that writes into a shared page fails with EFAULT unless it is
    /// pinned.
    /// </summary>
    Signal = 0,

    /// <summary>
    /// Shared pages are a copy-on-write view of the frame store, and the kernel makes the copy. Several times faster,
    /// and system calls may write into shared pages. Breaks are counted by a performance event or afterwards.
    /// </summary>
    Kernel = 1,
}
