using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// What a system must offer so that guests may live in processes of their own: memory objects that two processes map
/// and that neither can make smaller under the other. Thread-safe.
/// </summary>
internal interface IProcessSharing
{
    /// <summary>
    /// Makes a memory object of a size that nobody can change, which only this process's user can open anew.
    /// </summary>
    /// <param name="name">Shown by the system's tools; not unique.</param>
    /// <param name="bytes">Its size; memory is taken where it is written.</param>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    MemoryObject CreateSealed(string name, long bytes);

    /// <summary>
    /// Takes a descriptor for a memory object that another process has sent, if it is one that cannot shrink. What is
    /// in it, and who writes it, is as unknown as before.
    /// </summary>
    /// <param name="descriptor">The descriptor; owned by the result if there is one, else by the caller still.</param>
    /// <param name="name">What it is said to be, for messages.</param>
    /// <param name="bytes">The size that it must have; null: any.</param>
    /// <param name="isWritten">Whether this process is going to write it.</param>
    /// <exception cref="UntrustedMemoryException">It is something else; the message says what.</exception>
    MemoryObject Accept(SafeHandle descriptor, string name, long? bytes, bool isWritten);
}
