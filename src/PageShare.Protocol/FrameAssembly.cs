using Microsoft.Win32.SafeHandles;

namespace PageShare.Protocol;

/// <summary>
/// Puts a frame together from what arrives, in pieces of any size. Asks for no byte beyond the frame: a stream's
/// descriptors belong to the byte that they were sent with, and those of the next frame must not come with this one.
/// </summary>
/// <remarks>Knows no socket, so that tests can feed it anything. One user at a time. Owns descriptors until a frame is
/// taken.</remarks>
internal sealed class FrameAssembly : IDisposable
{
    private readonly byte[] _head = new byte[FrameHeader.Bytes];
    private List<SafeFileHandle> _descriptors = [];
    private FrameHeader? _header;
    private byte[] _body = [];
    private int _filled;

    /// <summary>Whether a part of a frame is here.</summary>
    public bool HasBegun => _filled > 0 || _header is not null;

    /// <summary>Whether all of a frame is here.</summary>
    public bool IsComplete => _header is not null && _filled == _body.Length;

    /// <summary>Where the next bytes belong; never empty unless the frame is complete.</summary>
    public Span<byte> Wanted => (_header is null ? _head : _body).AsSpan(_filled);

    /// <summary>Where descriptors belong that come with the next bytes.</summary>
    public List<SafeFileHandle> Descriptors => _descriptors;

    /// <summary>Takes note of what was put into <see cref="Wanted"/> and <see cref="Descriptors"/>.</summary>
    /// <param name="bytes">How many bytes; 0 at the end of the stream.</param>
    /// <param name="isTruncated">Whether descriptors got lost.</param>
    /// <exception cref="ProtocolException">It is no frame. All descriptors are closed.</exception>
    public void Advance(int bytes, bool isTruncated)
    {
        try
        {
            if (isTruncated)
            {
                throw new ProtocolException(
                    "Descriptors got lost: more were sent than a frame may have, or this process may not open more "
                    + "(see 'ulimit -n').");
            }

            if (bytes == 0)
            {
                throw new ProtocolException("The stream ends in the middle of a frame.");
            }

            if (_header is { } begun && _descriptors.Count != begun.Descriptors)
            {
                throw new ProtocolException($"Descriptors came in the middle of a frame ({begun.Kind}).");
            }

            _filled += bytes;
            if (_header is null && _filled == _head.Length)
            {
                ReadHeader();
            }
        }
        catch
        {
            CloseDescriptors();
            throw;
        }
    }

    /// <summary>Hands the complete frame over and starts with the next one.</summary>
    public Frame Take()
    {
        var frame = new Frame(_header!.Value.Kind, _body, _descriptors);
        _descriptors = [];
        _header = null;
        _body = [];
        _filled = 0;
        return frame;
    }

    /// <inheritdoc/>
    public void Dispose() => CloseDescriptors();

    private void ReadHeader()
    {
        if (!FrameHeader.TryParse(_head, out var header, out var error))
        {
            throw error;
        }

        if (_descriptors.Count != header.Descriptors)
        {
            throw new ProtocolException(
                $"{header.Kind} announces {header.Descriptors} descriptors, but {_descriptors.Count} came with it.");
        }

        _header = header;
        _body = new byte[header.BodyLength];
        _filled = 0;
    }

    private void CloseDescriptors()
    {
        foreach (var descriptor in _descriptors)
        {
            descriptor.Dispose();
        }

        _descriptors.Clear();
    }
}
