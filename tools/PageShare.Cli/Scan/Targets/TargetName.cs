using System.Globalization;
using PageShare.Platform;

namespace PageShare.Cli.Scan.Targets;

/// <summary>Tells from a name on the command line what kind of target is meant.</summary>
internal static class TargetName
{
    private const string ProcessPrefix = "pid:";

    /// <summary>Puts the guests of a host in the place of its name.</summary>
    public static IReadOnlyList<string> Expand(IEnumerable<string> names) =>
        [.. names.SelectMany(name => HostAddress.TryParse(name, out HostAddress host) ? host.Guests() : [name])];

    /// <summary>The target of that name. It need not exist: that is found out, and said, when it is read.</summary>
    /// <param name="name">A path, <c>pid:</c> and a number, or <c>host:</c>, a socket, <c>#</c> and a guest.</param>
    /// <param name="seen">Remembers what the targets of one scan share already.</param>
    /// <param name="eachPage">Whether pages that a host shares already count each, as if they were not shared.</param>
    /// <exception cref="CommandException">The name can't be the name of anything.</exception>
    public static ScanTarget Resolve(string name, SharedMemory seen, bool eachPage = false)
    {
        if (HostAddress.TryParse(name, out HostAddress host))
        {
            RequireLinux(name, "hosts and their guests");
            return new GuestTarget(name, host, seen, eachPage);
        }

        if (name.StartsWith(ProcessPrefix, StringComparison.Ordinal))
        {
            RequireLinux(name, "processes");
            string number = name[ProcessPrefix.Length..];
            return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && pid > 0
                ? new ProcessTarget(name, pid, seen)
                : throw CommandException.BadUsage(
                    $"{name}: '{number}' is no process id. Write pid:1234, or ./{name} for a file of that name.");
        }

        if (name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
        {
            throw CommandException.BadUsage("an empty name is no target. Name a file, a folder, pid:NUMBER or host:SOCKET.");
        }

        if (Directory.Exists(name))
        {
            return new FolderTarget(name);
        }

        return ElfHeader.IsAtStartOf(name) ? new CoreDumpTarget(name) : new ImageTarget(name);
    }

    private static void RequireLinux(string name, string what)
    {
        if (!KernelProbe.IsLinux)
        {
            throw CommandException.BadUsage(
                $"{name}: {what} can be scanned on Linux alone. Name a memory image, a core dump or a folder.");
        }
    }

    /// <summary>Length of a regular file, behind links; 0 for what has none, as pipes and devices.</summary>
    /// <exception cref="TargetException">It does not exist, or its links go round in a circle.</exception>
    public static long LengthOf(string path)
    {
        try
        {
            FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
            return file is FileInfo { Exists: true } regular ? regular.Length : throw Missing(path);
        }
        catch (Exception failed) when (failed is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(path, failed);
        }
        catch (IOException failed) when (new FileInfo(path).LinkTarget is not null)
        {
            throw Missing(path, failed); // too many links
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw new TargetException($"can't be found: {failed.Message}", failed);
        }
    }

    /// <summary>The same, and 0 if it can't be found.</summary>
    public static long EstimateLength(string path)
    {
        try
        {
            return LengthOf(path);
        }
        catch (TargetException)
        {
            return 0;
        }
    }

    private static TargetException Missing(string path, Exception? cause = null) => new(
        new FileInfo(path).LinkTarget is null
            ? "does not exist. Check the path."
            : "is a link that leads nowhere, or round in a circle. Check where it leads.",
        cause);
}
