using System.CommandLine;
using PageShare.Cli;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads;

/// <summary>A command's run: progress, Ctrl-C, reports, exit code.</summary>
internal static class Session
{
    /// <summary>Measures and reports.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="measure">Does the work, says where it is, and throws when stopped.</param>
    /// <returns>The exit code. Bars that were not reached do not make it fail: they are figures.</returns>
    public static int Run(
        ParseResult parsed, Func<Action<string>, CancellationToken, IReadOnlyList<WorkloadResult>> measure)
    {
        var (json, html) = (parsed.GetValue(WorkloadOptions.Json), parsed.GetValue(WorkloadOptions.Html));
        RequireFolder("--json", json);
        RequireFolder("--html", html);
        using var stop = new StopRequest();
        var (startedAt, machine) = (DateTimeOffset.Now, MachineFacts.Read());
        IReadOnlyList<WorkloadResult> results;
        try
        {
            results = measure(static line => Console.Error.WriteLine(line), stop.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException || stop.Token.IsCancellationRequested)
        {
            // Ctrl-C goes to hosts and guests of the measurement as well, and whatever they answer then is no failure.
            throw CommandException.Aborted("stopped: nothing is reported.");
        }

        var report = new WorkloadReport
        {
            StartedAt = startedAt,
            Machine = machine,
            Quick = parsed.GetValue(WorkloadOptions.Quick),
            Workloads = results,
        };
        report.Write(json == "-" ? Console.Error : Console.Out);
        Write(json, report.ToJson);
        Write(html, () => ReportPage.Of(report).ToString());
        return results.Any(static result => result.Fault is not null) ? ExitCode.Failed : ExitCode.Success;
    }

    /// <summary>Found out before minutes of measuring, not after.</summary>
    private static void RequireFolder(string option, string? path)
    {
        if (path is not null and not "-" && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder
            && !Directory.Exists(folder))
        {
            throw CommandException.BadUsage($"{option}: there is no folder {folder}.");
        }
    }

    private static void Write(string? path, Func<string> text)
    {
        if (path == "-")
        {
            Console.Out.WriteLine(text());
        }
        else if (path is not null)
        {
            File.WriteAllText(path, text() + "\n");
        }
    }
}
