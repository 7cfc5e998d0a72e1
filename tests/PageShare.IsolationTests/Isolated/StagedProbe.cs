using System.Globalization;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>The probe in a folder that other users can read, and how to run it as one of them.</summary>
internal static class StagedProbe
{
    private const string SetPrivileges = "/usr/bin/setpriv";

    /// <summary>Whether this process may run others under users of their own.</summary>
    public static bool CanBecomeOthers => Environment.IsPrivilegedProcess && File.Exists(SetPrivileges);

    /// <summary>Copies the program; the folder becomes readable for all.</summary>
    public static string Stage(TemporaryFolder folder)
    {
        var target = Path.Combine(folder.Path, "program");
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(AppContext.BaseDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Assert.Equal(0, Syscall.chmod(folder.Path, (FilePermissions)0b111_101_101));
        return target;
    }

    /// <summary>The command that runs another as this user, without any privilege.</summary>
    public static IReadOnlyList<string> As(uint user)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        return [SetPrivileges, "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"];
    }
}
