using System.Runtime.InteropServices;
using PageShare.Platform;

namespace PageShare.Attachment;

/// <summary>Checks what a host has sent before it is mapped: a host of another kind, or none at all, must not be able
/// to end this process by memory that vanishes under it.</summary>
internal static class ReceivedMemory
{
    /// <summary>Takes a descriptor over if it is a memory object of a fixed size.</summary>
    /// <inheritdoc cref="IProcessSharing.Accept"/>
    public static MemoryObject Accept(
        IPlatform platform, SafeHandle descriptor, string name, long? bytes, bool isWritten) =>
        SharingOf(platform).Accept(descriptor, name, bytes, isWritten);

    /// <summary>How the system shares memory between processes.</summary>
    /// <exception cref="PlatformNotSupportedException">It does not.</exception>
    public static IProcessSharing SharingOf(IPlatform platform) => platform.BetweenProcesses
        ?? throw new PlatformNotSupportedException("Guests in processes of their own need Linux.");
}
