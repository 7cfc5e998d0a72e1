using System.Net.Sockets;
using System.Runtime.InteropServices;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>A client's side of a connection to a host: a request, and its answer.</summary>
/// <remarks>Thread-safe: requests go one by one.</remarks>
public sealed class HostClient : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FrameChannel _channel;
    private readonly TimeSpan _timeout;
    private bool _isBroken;  // guard: the gate
    private bool _isGivenUp; // the same for those who have no request; never false again

    private HostClient(FrameChannel channel, TimeSpan timeout)
    {
        _channel = channel;
        _timeout = timeout;
        Welcome = new WelcomeAnswer(Guid.Empty, "");
    }

    /// <summary>What the host said of itself.</summary>
    public WelcomeAnswer Welcome { get; private set; }

    /// <summary>Connects and says hello.</summary>
    /// <param name="path">The host's socket.</param>
    /// <param name="program">Name of the program, for the host's log and status.</param>
    /// <param name="isOperator">Whether it asks for the host's counters and control rather than for memory.</param>
    /// <param name="timeout">How long the host may take for each answer; null for 30 seconds.</param>
    /// <param name="examine">Looks at who listens before anything is said, and throws if that is not whom it
    /// wants.</param>
    /// <exception cref="SocketException">Nobody listens there, or the path is not reachable for this
    /// user.</exception>
    /// <exception cref="RefusedException">The host wants nothing to do with this user.</exception>
    /// <exception cref="ProtocolException">Who listens there is no host, or of another version.</exception>
    /// <exception cref="TimeoutException">The host does not answer.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static HostClient Connect(
        string path, string program, bool isOperator = false, TimeSpan? timeout = null,
        Action<PeerCredentials>? examine = null)
    {
        var patience = timeout ?? TimeSpan.FromSeconds(30);
        var client = new HostClient(FrameChannel.Connect(path, patience), patience);
        try
        {
            examine?.Invoke(client._channel.Peer);
            client.Welcome = client.Request<HelloRequest, WelcomeAnswer>(
                MessageKind.Hello, new HelloRequest(program, isOperator), MessageKind.Welcome);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request and returns its answer, which the caller disposes.</summary>
    /// <param name="kind">What is asked.</param>
    /// <param name="body">The request.</param>
    /// <param name="answer">The kind that the answer must have.</param>
    /// <param name="descriptors">Descriptors to go with it.</param>
    /// <exception cref="RefusedException">The host refused.</exception>
    /// <exception cref="ProtocolException">The answer is none.</exception>
    /// <exception cref="TimeoutException">No answer in time; the connection is given up.</exception>
    /// <exception cref="IOException">The connection broke, or was given up before.</exception>
    public Frame Request<T>(
        MessageKind kind, T body, MessageKind answer, params ReadOnlySpan<SafeHandle> descriptors)
    {
        lock (_gate)
        {
            if (_isBroken)
            {
                throw new IOException("The connection to the host was given up.");
            }

            // Until the answer is here, nobody could tell it from the answer to the next request.
            _isBroken = true;
            try
            {
                var frame = Exchange(kind, body, descriptors);
                if (frame.Kind == answer)
                {
                    _isBroken = false;
                    return frame;
                }

                using (frame)
                {
                    throw frame.Kind == MessageKind.Refused
                        ? Refused(frame.Read<Refusal>())
                        : new ProtocolException($"The host answers {kind} with {frame.Kind}; {answer} was expected.");
                }
            }
            catch (ArgumentException)
            {
                _isBroken = false; // what does not fit was not sent
                throw;
            }
            finally
            {
                if (_isBroken)
                {
                    IsGivenUp = true;
                    _channel.Shutdown();
                }
            }
        }
    }

    /// <summary>The same, for answers without descriptors: returns the answer's body.</summary>
    /// <inheritdoc cref="Request{T}(MessageKind, T, MessageKind, ReadOnlySpan{SafeHandle})"/>
    public TAnswer Request<T, TAnswer>(MessageKind kind, T body, MessageKind answer)
    {
        using var frame = Request(kind, body, answer);
        return frame.Read<TAnswer>();
    }

    /// <summary>The same, for requests that are just carried out.</summary>
    /// <inheritdoc cref="Request{T}(MessageKind, T, MessageKind, ReadOnlySpan{SafeHandle})"/>
    public void Request<T>(MessageKind kind, T body) => Request(kind, body, MessageKind.Done).Dispose();

    /// <summary>Ends the connection; who waits for an answer stops waiting. Any thread, any time.</summary>
    public void Shutdown() => _channel.Shutdown();

    /// <inheritdoc/>
    public void Dispose()
    {
        _channel.Shutdown();
        lock (_gate)
        {
            _isBroken = true;
            _channel.Dispose();
        }
    }

    /// <summary>Whether no request can be made any more.</summary>
    internal bool IsGivenUp
    {
        get => Volatile.Read(ref _isGivenUp);
        private set => Volatile.Write(ref _isGivenUp, value);
    }

    /// <summary>Waits until the host has closed, or the connection was shut down; false when the time is
    /// over.</summary>
    internal bool WaitForHangUp(TimeSpan timeout) => _channel.WaitForHangUp(timeout);

    private Frame Exchange<T>(MessageKind kind, T body, ReadOnlySpan<SafeHandle> descriptors)
    {
        try
        {
            _channel.Send(kind, body, descriptors);
        }
        catch (IOException gone) when (gone is not ProtocolException)
        {
            // Who refuses a connection says why before closing it: that is the better message.
            using var last = LastWords();
            if (last is { Kind: MessageKind.Refused })
            {
                throw Refused(last.Read<Refusal>());
            }

            throw;
        }

        return _channel.Receive(_timeout)
            ?? throw new IOException($"The host closed the connection before it answered {kind}.");
    }

    private Frame? LastWords()
    {
        try
        {
            return _channel.Receive(TimeSpan.Zero);
        }
        catch (Exception nothing) when (nothing is IOException or TimeoutException)
        {
            return null;
        }
    }

    private RefusedException Refused(Refusal refusal)
    {
        // After these the host closes; all others leave the connection as it was.
        _isBroken = refusal.Code is RefusalCode.Protocol or RefusalCode.Version or RefusalCode.Stopping;
        return new RefusedException(refusal);
    }
}
