using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PageShare.Host.Configuration;
using PageShare.Host.Sockets;
using PageShare.Host.Status;

namespace PageShare.Host.Web;

/// <summary>Serves the page and the metrics over HTTP.</summary>
internal sealed class WebEndpoint : IAsyncDisposable
{
    private const int MostConnections = 100;

    private readonly WebApplication _application;
    private readonly SocketFile? _socket;

    private WebEndpoint(WebApplication application, SocketFile? socket, IReadOnlyList<string> addresses)
    {
        _application = application;
        _socket = socket;
        Addresses = addresses;
    }

    /// <summary>Where it listens, with the ports that it got.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>Listens.</summary>
    /// <exception cref="HostStartException">The address is taken, or can't be used.</exception>
    public static async Task<WebEndpoint> StartAsync(HttpAddress address, StatusReport status, HostLog log)
    {
        var socket = address.SocketPath is { } path ? SocketFile.Listen(path, isOpenToOthers: false) : null;
        try
        {
            var application = Build(address, socket, new WebAnswers(status, new LoopbackNames(address)));
            await application.StartAsync().ConfigureAwait(false);
            IReadOnlyList<string> addresses = socket is not null
                ? [address.Text]
                : [.. application.Urls];
            foreach (var listening in addresses)
            {
                log.WebListening(listening);
            }

            return new WebEndpoint(application, socket, addresses);
        }
        catch (Exception failure) when (failure is IOException or SocketException)
        {
            socket?.Dispose();
            throw new HostStartException($"nothing can be served at {address.Text}: {failure.Message}", failure);
        }
    }

    public async ValueTask DisposeAsync()
    {
        using (var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(2)))
        {
            await _application.StopAsync(atOnce.Token).ConfigureAwait(false);
        }

        await _application.DisposeAsync().ConfigureAwait(false);
        _socket?.Dispose();
    }

    private static WebApplication Build(HttpAddress address, SocketFile? socket, WebAnswers answers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxConcurrentConnections = MostConnections;
            options.Limits.MaxRequestBodySize = 0;
            options.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            options.ConfigureEndpointDefaults(static endpoint => endpoint.Protocols = HttpProtocols.Http1);
            Listen(options, address);
        });
        if (socket is not null)
        {
            // Bound by us, with the mode that it shall have before anybody can connect.
            builder.Services.Configure<SocketTransportOptions>(
                options => options.CreateBoundListenSocket = _ => socket.Socket);
        }

        builder.Logging.ClearProviders();
        var application = builder.Build();
        application.Run(answers.AnswerAsync);
        return application;
    }

    private static void Listen(KestrelServerOptions options, HttpAddress address)
    {
        if (address.SocketPath is { } path)
        {
            options.ListenUnixSocket(path);
        }
        else if (address.Addresses.Count > 1 && address.Port != 0)
        {
            options.ListenLocalhost(address.Port); // either family alone will do
        }
        else
        {
            options.Listen(new IPEndPoint(address.Addresses[0], address.Port));
        }
    }
}
