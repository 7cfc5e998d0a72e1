using System.Runtime.InteropServices;

namespace PageShare.Platform.Linux;

/// <summary>What sockets and process descriptors need beside Mono.Posix.</summary>
internal static unsafe partial class Libc
{
    public const short PollIn = 0x1;
    public const short PollOut = 0x4;
    public const short PollPeerClosed = 0x2000; // POLLRDHUP, which Mono.Posix has no name for

    public const int SocketLevel = 1;
    public const int SocketPeerCredentials = 17; // SO_PEERCRED
    public const int SocketPeerPidfd = 77;       // SO_PEERPIDFD, Linux 6.5

    private const nint PidfdOpenNumber = 434;

    /// <summary>Opens a descriptor of a process, which becomes readable when the process ends. By its number, since
    /// older C libraries have no function for it.</summary>
    public static int PidfdOpen(int process) => (int)SystemCall(PidfdOpenNumber, process, 0);

    // SAFETY: the kernel writes into the descriptors that the caller names, during the call only.
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }
}
