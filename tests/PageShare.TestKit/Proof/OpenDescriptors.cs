using System.Text;
using Mono.Unix.Native;

namespace PageShare.TestKit.Proof;

/// <summary>This process's descriptors as the kernel shows them. Linux.</summary>
public static class OpenDescriptors
{
    private const string Folder = "/proc/self/fd";

    /// <summary>How many there are. Other tests of the process may open some at the same time.</summary>
    public static int Count => Directory.GetFiles(Folder).Length;

    /// <summary>How many show an object whose name holds this, which other tests do not use.</summary>
    public static int CountOf(string name)
    {
        var link = new byte[512];
        return Directory.GetFiles(Folder).Count(path =>
        {
            var length = (int)Math.Max(0, Syscall.readlink(path, link));
            return Encoding.UTF8.GetString(link, 0, length).Contains(name, StringComparison.Ordinal);
        });
    }
}
