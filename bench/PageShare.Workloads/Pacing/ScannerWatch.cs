using System.Globalization;
using PageShare.Cli;

namespace PageShare.Workloads.Pacing;

/// <summary>
/// CPU time of the scanner's threads by the kernel's account (<c>/proc/self/task/ID/schedstat</c>), which the engine has
/// no hand in.
/// </summary>
internal sealed class ScannerWatch
{
    // What the kernel keeps of "PageShare scanner": 15 bytes.
    private const string ThreadName = "PageShare scann";

    private readonly string[] _files;

    /// <summary>Finds the threads of all engines of this process.</summary>
    /// <exception cref="CommandException">There are none, or the kernel does not tell their CPU time.</exception>
    public ScannerWatch()
    {
        var tasks = Directory.GetDirectories("/proc/self/task").Where(static task =>
            File.ReadAllText(Path.Combine(task, "comm")).TrimEnd() == ThreadName);
        _files = [.. tasks.Select(static task => Path.Combine(task, "schedstat")).Where(File.Exists)];
        if (_files.Length == 0)
        {
            throw CommandException.Failed("the kernel does not tell what the scanner's thread takes.");
        }
    }

    /// <summary>What they took since they began.</summary>
    public TimeSpan CpuTime => TimeSpan.FromMicroseconds(_files.Sum(static file =>
        long.Parse(File.ReadAllText(file).Split(' ')[0], CultureInfo.InvariantCulture)) / 1000);
}
