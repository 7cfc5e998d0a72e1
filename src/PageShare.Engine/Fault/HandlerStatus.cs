namespace PageShare.Fault;

/// <summary>Whether faults on guests' pages reach the shim, and what follows from it.</summary>
internal enum HandlerStatus
{
    /// <summary>They reach our handler first: pages may be sealed and shared.</summary>
    Installed,

    /// <summary>
    /// Somebody replaced our handler: a store to a sealed or shared page would end the process. No more pages may be
    /// sealed, in either fault mode, and all shared ones are to be broken, which needs no handler.
    /// </summary>
    Replaced,
}
