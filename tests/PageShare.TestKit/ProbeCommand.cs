using System.Diagnostics;

namespace PageShare.TestKit;

/// <summary>What to run in a child process, and how.</summary>
/// <param name="Arguments">The scenario and its arguments.</param>
public sealed record ProbeCommand(params string[] Arguments)
{
    /// <summary>Environment variables beside those of this process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>What a scenario that is meant to take long may take on top of the usual patience.</summary>
    public TimeSpan MorePatience { get; init; }

    /// <summary>Control group of memory that the child runs in; null for that of this process.</summary>
    public string? ControlGroup { get; init; }

    /// <summary>A command that runs it, with the arguments before it: <c>setpriv</c>, or a shell that sets limits.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>Folder of the program; null for that of this process.</summary>
    public string? Folder { get; init; }

    /// <summary>How to start it.</summary>
    /// <param name="program">The probe's program, with what comes before its arguments.</param>
    public ProcessStartInfo ToStart(string[] program)
    {
        // A process must enter the group itself: whoever puts it there from outside is late.
        string[] line = ControlGroup is null
            ? [.. Wrapper, .. program, .. Arguments]
            : ["/bin/sh", "-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\"", ControlGroup, .. Wrapper, .. program, .. Arguments];
        var start = new ProcessStartInfo(line[0], line.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        // Crashes are wanted here, their dumps are not.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        return start;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(
            ' ', [.. Environment.Select(static set => $"{set.Key}={set.Value}"), "PageShare.CrashProbe", .. Arguments]);
}
