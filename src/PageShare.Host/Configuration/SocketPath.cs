using System.Text;

namespace PageShare.Host.Configuration;

/// <summary>Where the host's socket lies.</summary>
public static class SocketPath
{
    /// <summary>The kernel's limit (sun_path), its ending zero included.</summary>
    private const int MostBytes = 108;

    private const string Folder = "pageshare";
    private const string File = "host.sock";

    /// <summary>
    /// Where hosts and clients look when nobody says otherwise: <c>/run/pageshare/host.sock</c> for root, and below
    /// <c>$XDG_RUNTIME_DIR</c> for others.
    /// </summary>
    /// <param name="environment">Variables; null for those of this process.</param>
    /// <exception cref="HostConfigurationException">There is no such folder.</exception>
    public static string Default(IReadOnlyDictionary<string, string>? environment = null)
    {
        if (Environment.IsPrivilegedProcess)
        {
            return $"/run/{Folder}/{File}";
        }

        var runtime = environment is null
            ? Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR")
            : environment.GetValueOrDefault("XDG_RUNTIME_DIR");
        return !string.IsNullOrEmpty(runtime) && Path.IsPathRooted(runtime)
            ? Path.Combine(runtime, Folder, File)
            : throw new HostConfigurationException(
                "environment", "XDG_RUNTIME_DIR",
                "is not set, so the socket needs a path: give \"socket\" (--socket PATH).");
    }

    /// <summary>Whether a path is the default's, whose folder the host makes by itself.</summary>
    internal static bool IsInDefaultFolder(string path) =>
        Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) == Folder;

    /// <summary>Why a path can't be a socket's; null if it can.</summary>
    internal static string? Problem(string path) =>
        Encoding.UTF8.GetByteCount(Path.GetFullPath(path)) >= MostBytes
            ? $"is longer than the {MostBytes - 1} bytes that the kernel takes for a socket"
            : path.EndsWith('/') ? "must name a file, not a folder" : null;
}
