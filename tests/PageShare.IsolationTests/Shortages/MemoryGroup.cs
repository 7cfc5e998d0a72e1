using System.Globalization;
using PageShare.Platform;

namespace PageShare.IsolationTests.Shortages;

/// <summary>
/// A control group with a limit of memory, swap space included where the kernel counts it; gone when disposed.
/// </summary>
internal sealed class MemoryGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup";

    private MemoryGroup(string path) => Path = path;

    public string Path { get; }

    /// <summary>Makes one; skips the test where the process may not.</summary>
    public static MemoryGroup Create(long bytes)
    {
        Assert.SkipUnless(HostPlatform.IsLinux, "needs Linux: control groups.");
        var isUnified = File.Exists($"{Root}/cgroup.controllers");
        var path = $"{Root}/{(isUnified ? "" : "memory/")}pageshare-test-{Environment.ProcessId}-{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(path);
            var limit = bytes.ToString(CultureInfo.InvariantCulture);
            if (isUnified)
            {
                File.WriteAllText($"{path}/memory.max", limit);
                WriteIfThere($"{path}/memory.swap.max", "0");
            }
            else
            {
                File.WriteAllText($"{path}/memory.limit_in_bytes", limit);
                WriteIfThere($"{path}/memory.memsw.limit_in_bytes", limit);
            }

            return new MemoryGroup(path);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            Remove(path);
            Assert.Skip($"needs root: a control group with a memory limit cannot be made here ({refusal.Message})");
            throw;
        }
    }

    public void Dispose() => Remove(Path);

    private static void WriteIfThere(string path, string value)
    {
        if (File.Exists(path))
        {
            File.WriteAllText(path, value);
        }
    }

    // Not recursively: the files in it are the kernel's, and go with it.
    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path);
        }
    }
}
