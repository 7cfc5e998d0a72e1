using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using PageShare.Host.Configuration;
using GenericHost = Microsoft.Extensions.Hosting.Host;

namespace PageShare.Host;

/// <summary>The host as a program.</summary>
public static class PageShareHost
{
    private const int Ended = 0;
    private const int Failed = 1;

    /// <summary>
    /// Serves until SIGTERM, Ctrl-C or the token. What goes wrong is said on standard error, as is every other event.
    /// </summary>
    /// <param name="configuration">What to do.</param>
    /// <param name="cancellationToken">Ends it, as a signal does.</param>
    /// <returns>0 after a clean end; 1 if it could not start, or broke down.</returns>
    public static Task<int> RunAsync(HostConfiguration configuration, CancellationToken cancellationToken = default) =>
        RunAsync(configuration, new HostEvents(), cancellationToken);

    /// <summary>As above.</summary>
    /// <param name="configuration">What to do.</param>
    /// <param name="events">What the caller wants to know.</param>
    /// <param name="cancellationToken">Ends it, as a signal does.</param>
    /// <returns>As above.</returns>
    public static async Task<int> RunAsync(
        HostConfiguration configuration, HostEvents events, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(events);
        using var host = Build(configuration, events);
        var log = host.Services.GetRequiredService<HostLog>();
        try
        {
            // Not RunAsync: that would take the caller's token for a wish to break off.
            await host.StartAsync(CancellationToken.None).ConfigureAwait(false);
            using (cancellationToken.Register(
                host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication))
            {
                await host.WaitForShutdownAsync(CancellationToken.None).ConfigureAwait(false);
            }

            return Ended;
        }
        catch (HostStartException refusal)
        {
            log.NotStarted(refusal.Message + ".");
        }
        catch (Exception failure) when (failure is HostConfigurationException or IOException
            or PlatformNotSupportedException or ArgumentOutOfRangeException)
        {
            log.NotStarted(failure.Message);
        }

        return Failed;
    }

    private static IHost Build(HostConfiguration configuration, HostEvents events)
    {
        var builder = GenericHost.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(configuration.Log);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        AddConsole(builder.Logging);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton(events);
        builder.Services.AddSingleton<HostLog>();
        builder.Services.AddHostedService<HostService>();
        return builder.Build();
    }

    private static void AddConsole(ILoggingBuilder logging)
    {
        // The journal has a time of its own, and takes the level from a prefix.
        if (ServiceNotice.IsUnderSystemd)
        {
            logging.AddSystemdConsole();
        }
        else
        {
            logging.AddSimpleConsole(static options =>
            {
                options.SingleLine = true;
                options.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
                options.UseUtcTimestamp = false;
            });
        }

        // Standard output is for what a command prints.
        logging.Services.Configure<ConsoleLoggerOptions>(static options =>
            options.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}

/// <summary>What a program that runs a host may want to know.</summary>
public sealed record HostEvents
{
    /// <summary>Called once it listens everywhere.</summary>
    public Action<HostAddresses>? Ready { get; init; }

    /// <summary>Starts the engine. Tests replace parts of it here.</summary>
    internal Func<EngineOptions, PageShareEngine> StartEngine { get; init; } = PageShareEngine.Start;
}

/// <summary>Where a host listens.</summary>
/// <param name="Socket">The socket's path.</param>
/// <param name="Http">Of the page and the metrics, with the ports that they got; empty if there is none.</param>
public sealed record HostAddresses(string Socket, IReadOnlyList<string> Http);
