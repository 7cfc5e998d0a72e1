using PageShare.Platform;

namespace PageShare.Fault;

/// <summary>
/// Looks whether the fault handler is still the first to hear of a fault. Any library of the process may replace it by
/// sigaction, and nothing tells us: so each pass asks anew. Thread-safe.
/// </summary>
internal static class HandlerHealth
{
    /// <summary>Asks the system; takes well under a microsecond.</summary>
    public static HandlerStatus Check() => Judge(Shim.IsHandlerInstalled());

    /// <summary>
    /// What ps_handler_is_installed's result means: in doubt, which an error is, that the handler is gone.
    /// </summary>
    public static HandlerStatus Judge(int isInstalled) =>
        isInstalled == 1 ? HandlerStatus.Installed : HandlerStatus.Replaced;
}
