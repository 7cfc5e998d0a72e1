using PageShare.Host;
using PageShare.Host.Configuration;

namespace PageShare.Workloads.Isolated;

/// <summary>The process of a host: <c>isolated-host SOCKET</c>.</summary>
internal static class HostProgram
{
    /// <summary>What starts it.</summary>
    public const string Verb = "isolated-host";

    /// <summary>For the reader.</summary>
    public const string Note =
        "Takeover: both hosts may use a whole core and do not yield to other work (scanWhenBusy, cpuBudgetPercent 100, "
        + "targetPassTime 1 s, minimumPagesPerSecond 1,000,000); guests reconnect by their defaults.";

    /// <summary>Runs it until its input ends.</summary>
    public static int Run(string socket)
    {
        var settings = new Dictionary<string, string>
        {
            ["socket"] = socket,
            ["log"] = "error",
            ["engine.scanWhenBusy"] = "true",
            ["engine.cpuBudgetPercent"] = "100",
            ["engine.targetPassTime"] = "1s",
            ["engine.minimumPagesPerSecond"] = "1000000",
            ["engine.pressureLimitPercent"] = "100",
        };
        using var end = new CancellationTokenSource();
        var events = new HostEvents
        {
            Ready = _ => new Thread(() =>
            {
                ChildProgram.Serve(static _ => "");
                end.Cancel();
            })
            {
                IsBackground = true,
            }.Start(),
        };
        var configuration = HostConfiguration.Load(new HostOptions { Settings = settings }, settings);
        return PageShareHost.RunAsync(configuration, events, end.Token).GetAwaiter().GetResult();
    }
}
