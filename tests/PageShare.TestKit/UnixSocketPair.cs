using System.Net.Sockets;
using Mono.Unix.Native;

namespace PageShare.TestKit;

/// <summary>Two connected Unix stream sockets of this process. Linux.</summary>
public sealed class UnixSocketPair : IDisposable
{
    /// <summary>Connects two.</summary>
    public UnixSocketPair()
    {
        var result = Syscall.socketpair(
            UnixAddressFamily.AF_UNIX, UnixSocketType.SOCK_STREAM, UnixSocketFlags.SOCK_CLOEXEC, 0,
            out var one, out var other);
        Assert.Equal(0, result);
        One = new Socket(new SafeSocketHandle(one, ownsHandle: true));
        Other = new Socket(new SafeSocketHandle(other, ownsHandle: true));
    }

    /// <summary>One end.</summary>
    public Socket One { get; }

    /// <summary>The other end.</summary>
    public Socket Other { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        One.Dispose();
        Other.Dispose();
    }
}
