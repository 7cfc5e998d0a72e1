using Microsoft.Extensions.Hosting;
using PageShare.Host.Access;
using PageShare.Host.Configuration;
using PageShare.Host.Guests;
using PageShare.Host.Sessions;
using PageShare.Host.Sockets;
using PageShare.Host.Status;
using PageShare.Host.Web;
using PageShare.Platform.Linux;

namespace PageShare.Host;

/// <summary>Puts a host together and takes it apart.</summary>
internal sealed class HostService(HostConfiguration configuration, HostEvents events, HostLog log)
    : IHostedService, IDisposable
{
    private readonly HostIdentity _identity = HostIdentity.Create();
    private PageShareEngine? _engine;
    private GuestTable? _guests;
    private SessionListener? _listener;
    private WebEndpoint? _web;
    private GuestCheckup? _checkup;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var user = OwnProcess.User;
        var names = UserNames.Read();
        var policy = new AccessPolicy(configuration, user, names);

        // Before the engine: a second host on the same socket must end before it has touched anything.
        var socket = SocketFile.Listen(configuration.Socket, policy.AdmitsOthers);
        try
        {
            _engine = events.StartEngine(configuration.Engine);
            _guests = new GuestTable(log);
            var memories = new EngineMemories(_engine);
            var status = new StatusReport(_identity, _guests, memories, TimeProvider.System);
            _web = configuration.Http is { } address
                ? await WebEndpoint.StartAsync(address, status, log).ConfigureAwait(false)
                : null;
            _checkup = new GuestCheckup(_guests, log);
            _listener = new SessionListener(socket, new SessionServices(
                _identity, configuration, policy, names, _guests, memories, status, log));
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        log.Listening(
            configuration.Socket, names.Describe(user),
            policy.AdmitsOthers ? "open to users by its configuration" : "for this user alone",
            _identity.HostId, Environment.ProcessId);
        foreach (var warning in configuration.Warnings)
        {
            log.Warning(warning);
        }

        events.Ready?.Invoke(new HostAddresses(configuration.Socket, _web?.Addresses ?? []));
        ServiceNotice.Ready($"Serving {configuration.Socket}");
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        ServiceNotice.Stopping();
        log.Stopping(_listener?.Count ?? 0, _guests?.All.Count ?? 0);
        if (_web is not null)
        {
            await _web.DisposeAsync().ConfigureAwait(false);
        }

        Dispose();
        log.Stopped();
    }

    /// <summary>
    /// Ends sessions first, so that nobody asks for what is going, and the engine last. It leaves the guests' memory
    /// as it is: they keep every byte, and go on without a host or with the next one.
    /// </summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _listener, null)?.Dispose();
        Interlocked.Exchange(ref _checkup, null)?.Dispose();
        Interlocked.Exchange(ref _guests, null)?.Dispose();
        Interlocked.Exchange(ref _engine, null)?.Dispose();
    }
}
