using Microsoft.Win32.SafeHandles;
using PageShare.Host.Access;
using PageShare.Host.Guests;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>One connection, from hello to its end, on a thread of its own.</summary>
/// <remarks>
/// A thread, since a request may wait: for the engine, for a guest that has to give pages back, for a client that does
/// not read. So it waits at the cost of its own client alone. There is one request under way on a connection; what a
/// client sends meanwhile stays in the socket's buffer, and when that is full in the client.
/// </remarks>
internal sealed class Session : IGuestHolder
{
    private readonly FrameChannel _channel;
    private readonly SessionServices _services;
    private readonly CancellationToken _stopping;
    private readonly string _user;

    public Session(
        FrameChannel channel, UserRights rights, UserAccount account, SessionServices services,
        CancellationToken stopping)
    {
        _channel = channel;
        _services = services;
        _stopping = stopping;
        _user = services.Names.Describe(rights.User);
        Rights = rights;
        Account = account;
    }

    public UserRights Rights { get; }

    public UserAccount Account { get; }

    public int ProcessId => _channel.Peer.ProcessId;

    public bool HasHungUp
    {
        get
        {
            try
            {
                return _channel.WaitForHangUp(TimeSpan.Zero);
            }
            catch (ObjectDisposedException)
            {
                return true; // this session's thread was faster
            }
        }
    }

    /// <summary>Whether the client asked for an operator's part, and may have it.</summary>
    public bool IsOperator { get; private set; }

    public SafeFileHandle? OpenProcess() => _channel.OpenPeerPidfd();

    public void Close() => _channel.Shutdown();

    /// <summary>Serves the client until it goes, breaks the rules, or the host stops. Throws nothing.</summary>
    public void Run()
    {
        var reason = "";
        try
        {
            if (Welcome())
            {
                Serve();
            }
        }
        catch (ProtocolException violation)
        {
            reason = $": {violation.Message}";
            TryRefuse(new Refusal(violation.Code, violation.Message));
            _services.LogRefusedConnection(Rights.User, ProcessId, violation.Message);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException or ObjectDisposedException)
        {
            reason = $": {gone.Message}";
        }
        catch (Exception failure)
        {
            // A fault of ours must not end the process, and with it the service of all others.
            _services.Log.RequestFailed(_user, ProcessId, MessageKind.None, failure);
        }
        finally
        {
            _channel.Dispose();
            _services.Log.Disconnected(_user, ProcessId, GuestName.Clean(reason, SessionServices.MostReason));
        }
    }

    private Frame? ReceiveHello()
    {
        try
        {
            return _channel.Receive(_services.Limits.HandshakeTimeout);
        }
        catch (TimeoutException)
        {
            // Said, and not just closed: a program that starts on a busy machine may be late and nothing else.
            throw new ProtocolException(
                $"Nothing was said in the first {_services.Limits.HandshakeTimeout.TotalSeconds} s of the connection "
                + "(limits.handshakeTimeout).");
        }
    }

    private bool Welcome()
    {
        using var frame = ReceiveHello();
        if (frame is null)
        {
            return false;
        }

        if (frame.Kind != MessageKind.Hello)
        {
            throw new ProtocolException($"A connection begins with Hello, not with {frame.Kind}.");
        }

        var hello = frame.Read<HelloRequest>();
        if (hello.IsOperator && !Rights.IsOperator)
        {
            TryRefuse(new Refusal(
                RefusalCode.NotAllowed,
                $"User {_user} is no operator of this host: its configuration must say \"operator\": true "
                + "for the user."));
            return false;
        }

        IsOperator = hello.IsOperator;
        _services.Log.Connected(_user, ProcessId, GuestName.Clean(hello.Program), IsOperator ? ", operator" : "");
        _channel.Send(MessageKind.Welcome, new WelcomeAnswer(_services.Identity.HostId, _services.Identity.Version));
        return true;
    }

    private void Serve()
    {
        while (!_stopping.IsCancellationRequested)
        {
            using var frame = _channel.Receive(Timeout.InfiniteTimeSpan);
            if (frame is null)
            {
                return;
            }

            using (var answer = AnswerTo(frame))
            {
                Deliver(answer);
            }

            // Above the pace the next request is read later: the client waits, and nobody else.
            var rest = Account.CountRequest();
            if (rest > TimeSpan.Zero)
            {
                _stopping.WaitHandle.WaitOne(rest);
            }
        }

        TryRefuse(new Refusal(RefusalCode.Stopping, "The host is stopping."));
    }

    private void Deliver(Answer answer)
    {
        try
        {
            answer.Send(_channel);
        }
        catch
        {
            answer.IfUndelivered?.Invoke();
            throw;
        }
    }

    private Answer AnswerTo(Frame frame)
    {
        try
        {
            return RequestHandlers.Answer(frame, this, _services);
        }
        catch (ProtocolException)
        {
            throw;
        }
        catch (Exception failure) when (RefusalOf(failure) is { } refusal)
        {
            _services.LogRefusedRequest(this, _user, frame.Kind, refusal);
            return Answer.Refused(refusal);
        }
        catch (Exception failure)
        {
            _services.Log.RequestFailed(_user, ProcessId, frame.Kind, failure);
            return Answer.Refused(new Refusal(
                RefusalCode.OutOfResources, $"The host failed at this {frame.Kind}; its log says where."));
        }
    }

    private static Refusal? RefusalOf(Exception failure) => failure switch
    {
        RequestRefusedException refused => refused.Refusal,
        UntrustedMemoryException untrusted => new Refusal(RefusalCode.Invalid, untrusted.Message),
        PlatformException or OutOfMemoryException or InsufficientMemoryException =>
            new Refusal(RefusalCode.OutOfResources, failure.Message),
        ObjectDisposedException => new Refusal(RefusalCode.NotFound, "The guest is gone."),
        ArgumentException => new Refusal(RefusalCode.Invalid, failure.Message.Split('\n')[0]),
        InvalidOperationException => new Refusal(RefusalCode.OutOfResources, failure.Message),
        _ => null,
    };

    private void TryRefuse(Refusal refusal)
    {
        try
        {
            _channel.Send(MessageKind.Refused, refusal);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException or ObjectDisposedException)
        {
            // The connection ends in any case.
        }
    }
}
