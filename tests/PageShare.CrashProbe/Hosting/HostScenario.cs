using PageShare.Host;
using PageShare.Host.Configuration;

namespace PageShare.CrashProbe.Hosting;

/// <summary>
/// A host as a process: <c>host --socket PATH [--config FILE] [--set "key=value;key=value"]</c>. Says on
/// standard output where it listens.
/// </summary>
internal static class HostScenario
{
    public static int Run(ProbeArguments arguments)
    {
        var settings = arguments.Text("set", "")
            .Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(static pair => pair.Split('=', 2))
            .ToDictionary(static pair => pair[0], static pair => pair[1]);
        settings["socket"] = arguments.Required("socket");
        var configuration = HostConfiguration.Load(new HostOptions
        {
            File = arguments.Text("config", "") is { Length: > 0 } file ? file : null,
            Settings = settings,
        });
        var events = new HostEvents
        {
            Ready = static where => Console.Out.WriteLine($"ready {where.Socket} {string.Join(' ', where.Http)}"),
        };
        return PageShareHost.RunAsync(configuration, events).GetAwaiter().GetResult();
    }
}
