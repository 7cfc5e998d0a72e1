using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>A <c>pageshare run</c> with guests in processes of their own, watched from outside while it goes on.</summary>
internal sealed partial class IsolatedRun : IDisposable
{
    private readonly Process _process;
    private string _said = "";

    /// <summary>Starts it, and returns as soon as its processes are there.</summary>
    public IsolatedRun(params string[] arguments)
        : this(PageShareCommand.Start(["run", .. arguments]))
    {
    }

    /// <summary>Takes over one that was started in a special way.</summary>
    public IsolatedRun(Process process)
    {
        _process = process;
        Match line = Processes().Match(WaitFor("host is process"));
        Host = Number(line.Groups["host"].Value);
        Guests = [.. line.Groups["guests"].Value.Split(", ").Select(Number)];

        // The folder is on every guest's command line, behind the option with the run's socket.
        string[] words = File.ReadAllText($"/proc/{Guests[0]}/cmdline").Split('\0');
        Folder = Path.GetDirectoryName(words[Array.IndexOf(words, "--control") + 1])!;
    }

    /// <summary>The process that was started.</summary>
    public int Id => _process.Id;

    /// <summary>The host's process.</summary>
    public int Host { get; }

    /// <summary>The guests' processes.</summary>
    public IReadOnlyList<int> Guests { get; }

    /// <summary>The folder with its sockets.</summary>
    public string Folder { get; }

    /// <summary>Reads standard error up to a line with these words, and returns that line.</summary>
    public string WaitFor(string words)
    {
        while (_process.StandardError.ReadLine() is string line)
        {
            _said += line + "\n";
            if (line.Contains(words, StringComparison.Ordinal))
            {
                return line;
            }
        }

        Assert.Fail($"pageshare ended without saying '{words}':\n{_said}{_process.StandardOutput.ReadToEnd()}");
        return "";
    }

    /// <summary>Sends a signal to any of its processes.</summary>
    public static void Signal(int process, Signum signal) => Assert.Equal(0, Syscall.kill(process, signal));

    /// <summary>Reads on until it ends.</summary>
    public CommandResult Finish() => PageShareCommand.Finish(_process, _said);

    /// <summary>Waits until no process, socket or folder of it is there.</summary>
    public void ExpectNothingLeft()
    {
        foreach (int process in Guests.Append(Host))
        {
            Until.True(() => !Directory.Exists($"/proc/{process}"), $"process {process} has ended");
        }

        Until.True(() => !Directory.Exists(Folder), $"{Folder} is removed");
        Until.True(() => !Directory.EnumerateDirectories("/proc").Any(Mentions), $"no process works on {Folder}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private bool Mentions(string process)
    {
        try
        {
            return char.IsAsciiDigit(Path.GetFileName(process)[0])
                && File.ReadAllText(Path.Combine(process, "cmdline")).Contains(Folder, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // it has ended meanwhile
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("host is process (?<host>[0-9]+), guests are (?<guests>[0-9]+(, [0-9]+)*)")]
    private static partial Regex Processes();
}
