namespace PageShare.Cli.Scan.Count;

/// <summary>
/// Bytes that are written once from front to end and then read: in memory as far as allowed, and beyond that in a
/// temporary file without a name, which vanishes with the process.
/// </summary>
/// <remarks>Guard: one thread writes; once <see cref="Seal"/> was called, any number may read.</remarks>
internal sealed class ByteLog : IDisposable
{
    private const int BlockBytes = 1 << 18;

    private readonly List<byte[]> _memory = [];
    private byte[] _block = new byte[BlockBytes];
    private FileStream? _file;

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <summary>Most bytes to keep in memory. May rise; what is in the file stays there.</summary>
    public long MemoryLimit { get; set; } = long.MaxValue;

    /// <summary>Bytes that are in memory now.</summary>
    public long MemoryBytes => (long)(_memory.Count + 1) * BlockBytes;

    /// <summary>Adds a byte.</summary>
    public void Add(byte value)
    {
        int at = (int)(Length % BlockBytes);
        _block[at] = value;
        Length++;
        if (at == BlockBytes - 1)
        {
            KeepBlock();
        }
    }

    /// <summary>Ends writing.</summary>
    public void Seal() => _file?.Flush();

    /// <summary>Reads the bytes of a range.</summary>
    public IEnumerable<ArraySegment<byte>> Read(long start, long end)
    {
        byte[]? fromFile = null;
        while (start < end)
        {
            int block = (int)(start / BlockBytes);
            int at = (int)(start % BlockBytes);
            int count = (int)Math.Min(BlockBytes - at, end - start);
            byte[] bytes = block < _memory.Count ? _memory[block] : _block;
            if (block >= _memory.Count && block != (Length / BlockBytes))
            {
                bytes = fromFile ??= new byte[BlockBytes];
                ReadFile(bytes.AsSpan(at, count), ((long)(block - _memory.Count) * BlockBytes) + at);
            }

            yield return new ArraySegment<byte>(bytes, at, count);
            start += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private void KeepBlock()
    {
        if (_file is null && MemoryBytes < MemoryLimit)
        {
            _memory.Add(_block);
            _block = new byte[BlockBytes];
            return;
        }

        _file ??= CreateFile();
        _file.Write(_block);
    }

    private static FileStream CreateFile()
    {
        string path = Path.GetTempFileName();
        var file = new FileStream(
            path,
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete,
            BlockBytes,
            FileOptions.DeleteOnClose);

        // Gone from its folder at once, so that nothing is left however we end.
        File.Delete(path);
        return file;
    }

    private void ReadFile(Span<byte> destination, long offset)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_file!.SafeFileHandle, destination, offset);
            if (read == 0)
            {
                throw new EndOfStreamException("The temporary file is shorter than what was written to it.");
            }

            destination = destination[read..];
            offset += read;
        }
    }
}
