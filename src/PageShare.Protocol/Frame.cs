using Microsoft.Win32.SafeHandles;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>A received frame. It owns its descriptors until they are taken; disposing it closes the rest.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class Frame : IDisposable
{
    private readonly List<SafeFileHandle> _descriptors;

    internal Frame(MessageKind kind, ReadOnlyMemory<byte> body, List<SafeFileHandle> descriptors)
    {
        Kind = kind;
        Body = body;
        _descriptors = descriptors;
    }

    /// <summary>What it carries.</summary>
    public MessageKind Kind { get; }

    /// <summary>The body as it came, UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The descriptors that came with it, as many as its header announced.</summary>
    public IReadOnlyList<SafeFileHandle> Descriptors => _descriptors;

    /// <summary>Reads the body.</summary>
    /// <exception cref="ProtocolException">The body is not one of its kind; the message says why.</exception>
    /// <exception cref="ArgumentException">Bodies of this kind are of another type.</exception>
    public T Read<T>() => MessageBody.Read<T>(Kind, Body.Span);

    /// <summary>Takes a descriptor over: it is the caller's to close.</summary>
    /// <param name="index">Which one; the places of the others stay.</param>
    /// <exception cref="InvalidOperationException">It was taken before, or the frame is disposed.</exception>
    public SafeFileHandle Take(int index)
    {
        var taken = _descriptors[index];
        if (taken.IsClosed)
        {
            throw new InvalidOperationException($"Descriptor {index} of this {Kind} was taken or closed before.");
        }

        // The list keeps a place that is closed already, so that disposing the frame passes over it.
        var gone = new SafeFileHandle();
        gone.Dispose();
        _descriptors[index] = gone;
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var descriptor in _descriptors)
        {
            descriptor.Dispose();
        }
    }
}
