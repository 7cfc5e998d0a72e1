using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run;

/// <summary>A file that guests load, with what it was like when it was found: whether it has changed since can be
/// told.</summary>
/// <remarks>Thread-safe. Holds no descriptor: an input may have more files than a process may open.</remarks>
internal sealed class InputFile
{
    private readonly Func<SafeFileHandle>? _opener;

    /// <summary>A file that was noted before, maybe by another process.</summary>
    /// <param name="path">Full path.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="changed">When it was changed last, in UTC.</param>
    /// <param name="opener">Opens it where this process may not do so itself; what it gives is disposed after
    /// use.</param>
    internal InputFile(string path, long length, DateTime changed, Func<SafeFileHandle>? opener = null)
    {
        Path = path;
        Length = length;
        Changed = changed;
        _opener = opener;
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>When it had been changed last, in UTC.</summary>
    public DateTime Changed { get; }

    /// <summary>Pages that hold it; the last is filled up with zeroes.</summary>
    public long Pages => (Length + Quantity.PageBytes - 1) / Quantity.PageBytes;

    /// <summary>Takes note of a file, and makes sure that it can be read.</summary>
    /// <exception cref="CommandException">It can't.</exception>
    public static InputFile Note(FileInfo info)
    {
        var file = new InputFile(info.FullName, info.Length, info.LastWriteTimeUtc);
        if (file.Length > 0)
        {
            file.Open().Dispose();
        }

        return file;
    }

    /// <summary>Opens it for reading.</summary>
    /// <exception cref="CommandException">It can't be opened.</exception>
    public SafeFileHandle Open()
    {
        try
        {
            return _opener is null ? File.OpenHandle(Path) : _opener();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadUsage(
                $"can't read {Path}: {refused.Message} Leave it out, or run as a user who may read it.", refused);
        }
    }

    /// <summary>Fills the destination with the file's bytes from the offset on, and with zeroes behind its
    /// end.</summary>
    /// <exception cref="CommandException">The file has become shorter, or can't be read any more.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        int wanted = (int)Math.Clamp(Length - offset, 0, destination.Length);
        destination[wanted..].Clear();
        if (wanted == 0)
        {
            return;
        }

        using SafeFileHandle handle = Open();
        int done = 0;
        while (done < wanted)
        {
            int read = ReadSome(handle, destination[done..wanted], offset + done);
            if (read == 0)
            {
                throw HasChanged();
            }

            done += read;
        }
    }

    /// <summary>Whether size or time of change differ from what they were.</summary>
    public bool HasChangedSince()
    {
        try
        {
            using SafeFileHandle handle = Open();
            return RandomAccess.GetLength(handle) != Length || File.GetLastWriteTimeUtc(handle) != Changed;
        }
        catch (Exception gone) when (gone is CommandException or IOException)
        {
            return true;
        }
    }

    /// <summary>The failure to report for a file that did not stay as it was.</summary>
    public CommandException HasChanged() => CommandException.Failed(
        $"{Path} changed during the run, so guests can't be verified against it. Use files that nobody writes to.");

    private int ReadSome(SafeFileHandle handle, Span<byte> destination, long offset)
    {
        try
        {
            return RandomAccess.Read(handle, destination, offset);
        }
        catch (IOException broken)
        {
            throw CommandException.Failed($"can't read {Path} any more: {broken.Message}", broken);
        }
    }
}
