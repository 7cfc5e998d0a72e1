using System.Diagnostics;
using System.Runtime.InteropServices;
using PageShare.Platform;

namespace PageShare.TestKit.Proof;

/// <summary>The threads of this process by the names that the system has for them.</summary>
public static unsafe partial class ProcessThreads
{
    private const uint QueryLimitedInformation = 0x0800;

    /// <summary>How many have names that begin so. Linux keeps 15 characters of a name.</summary>
    public static int CountNamed(string name) => HostPlatform.IsLinux
        ? Directory.GetDirectories("/proc/self/task").Count(task => NameOnLinux(task) == name)
        : Process.GetCurrentProcess().Threads.Cast<ProcessThread>()
            .Count(thread => NameOnWindows(thread.Id).StartsWith(name, StringComparison.Ordinal));

    /// <summary>Whether a thread with a name that begins so sleeps, in native code too. Linux only.</summary>
    public static bool IsAsleep(string name) => Directory.GetDirectories("/proc/self/task")
        .Any(task => NameOnLinux(task) == name && Read(task, "stat").Contains($"({name}) S ", StringComparison.Ordinal));

    private static string NameOnLinux(string task) => Read(task, "comm").TrimEnd();

    private static string Read(string task, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, file));
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }

    private static string NameOnWindows(int id)
    {
        var thread = OpenThread(QueryLimitedInformation, 0, (uint)id);
        if (thread == 0)
        {
            return "";
        }

        // SAFETY: the system allocates the name, and it is freed here.
        char* name = null;
        var text = GetThreadDescription(thread, &name) >= 0 ? new string(name) : "";
        _ = LocalFree(name);
        _ = CloseHandle(thread);
        return text;
    }

    [LibraryImport("kernel32", EntryPoint = "OpenThread")]
    private static partial nint OpenThread(uint access, int inherit, uint id);

    [LibraryImport("kernel32", EntryPoint = "GetThreadDescription")]
    private static partial int GetThreadDescription(nint thread, char** name);

    [LibraryImport("kernel32", EntryPoint = "LocalFree")]
    private static partial nint LocalFree(void* memory);

    [LibraryImport("kernel32", EntryPoint = "CloseHandle")]
    private static partial int CloseHandle(nint handle);
}
