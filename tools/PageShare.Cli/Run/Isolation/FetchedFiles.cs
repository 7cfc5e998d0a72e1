using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run.Isolation;

/// <summary>
/// The input files as a guest process sees them: it may not be allowed to open them, so it asks the run for
/// descriptors, and keeps those that it used last.
/// </summary>
/// <remarks>Thread-safe. A handle that it gives out is good until <see cref="MostKept"/> other files were
/// opened.</remarks>
internal sealed class FetchedFiles(ControlChannel channel) : IDisposable
{
    /// <summary>Descriptors kept: enough for the usual input, and few enough for the usual limit of 1,024.</summary>
    public const int MostKept = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, LinkedListNode<(int Number, SafeFileHandle Handle)>> _kept = [];
    private readonly LinkedList<(int Number, SafeFileHandle Handle)> _byUse = [];

    /// <summary>Opens a file of the plan. Disposing the result does not close it.</summary>
    /// <exception cref="IOException">The run can't open it, or is gone.</exception>
    public SafeFileHandle Open(int number)
    {
        lock (_gate)
        {
            if (_kept.TryGetValue(number, out var node))
            {
                _byUse.Remove(node);
            }
            else
            {
                node = new LinkedListNode<(int Number, SafeFileHandle Handle)>((number, Fetch(number)));
                _kept.Add(number, node);
                if (_kept.Count > MostKept && _byUse.Last is { } oldest)
                {
                    _byUse.Remove(oldest);
                    _kept.Remove(oldest.Value.Number);
                    oldest.Value.Handle.Dispose();
                }
            }

            _byUse.AddFirst(node);
            return new SafeFileHandle(node.Value.Handle.DangerousGetHandle(), ownsHandle: false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, SafeFileHandle handle) in _byUse)
        {
            handle.Dispose();
        }

        channel.Dispose();
    }

    private SafeFileHandle Fetch(int number)
    {
        channel.Send(ControlKind.Fetch, new FetchBody(number), ControlJson.Default.FetchBody);
        ControlMessage answer = channel.Receive() ?? throw new IOException("the run is gone");
        return answer.Kind == ControlKind.Fetched
            ? answer.Descriptors[0]
            : throw new IOException(answer.Read(ControlJson.Default.FailedBody).Message);
    }
}
