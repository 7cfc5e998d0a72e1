using PageShare.CrashProbe.Isolated;
using PageShare.Host;
using PageShare.Host.Configuration;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hosting;

/// <summary>
/// A host as a process: <c>host --socket PATH [--config FILE] [--set "key=value;key=value"]</c>. Says on
/// standard output where it listens; from then on standard input may have it held somewhere, as
/// <see cref="ParkedPlaces"/> says.
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
        var places = new ParkedPlaces();
        var events = new HostEvents
        {
            Ready = where =>
            {
                Console.Out.WriteLine($"ready {where.Socket} {string.Join(' ', where.Http)}");
                new Thread(() => LineTalk.Answer(words => Do(words, places))) { IsBackground = true }.Start();
            },
            StartEngine = options => PageShareEngine.Start(
                options, new ShortPlatform { Watcher = places.Pass }, hasher: null, TimeProvider.System),
        };
        return PageShareHost.RunAsync(configuration, events).GetAwaiter().GetResult();
    }

    private static string Do(string[] words, ParkedPlaces places) => places.TryDo(words, out var answer)
        ? answer
        : throw new ProbeFailedException($"There is no command '{words[0]}'.");
}
