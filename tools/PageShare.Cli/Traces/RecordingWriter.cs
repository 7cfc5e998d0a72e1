using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace PageShare.Cli.Traces;

/// <summary>Writes a recording, moment by moment. What was written is safe if the process dies.</summary>
internal sealed class RecordingWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly List<byte> _payload = [];
    private long _moments;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Must not exist.</param>
    /// <param name="guests">The guests' names.</param>
    /// <exception cref="CommandException">The file can't be made.</exception>
    public RecordingWriter(string path, IReadOnlyList<string> guests)
    {
        try
        {
            _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw CommandException.BadUsage($"{path} exists already. Name a new file, or delete it first.");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadUsage($"{path} can't be written: {failed.Message}", failed);
        }

        Span<byte> head = stackalloc byte[RecordingFormat.FileHeadBytes];
        RecordingFormat.Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head[RecordingFormat.Magic.Length..], RecordingFormat.Version);
        _file.Write(head);
        Write(Quantity.PageBytes);
        Write(guests.Count);
        foreach (string guest in guests)
        {
            byte[] name = Encoding.UTF8.GetBytes(guest);
            Write(name.Length);
            _payload.AddRange(name);
        }

        WriteBlock(BlockKind.Head);
    }

    /// <summary>Bytes written.</summary>
    public long Bytes => _file.Length;

    /// <summary>Adds the next moment.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Add(Moment moment)
    {
        Write((long)moment.At.TotalMilliseconds);
        Write(moment.Contents);
        Write(moment.Load is null ? 0 : 1);
        if (moment.Load is { } load)
        {
            Write(load.Idle.Ticks);
            Write(load.Busy.Ticks);
            Write(moment.OwnCpu.Ticks);
            Write(load.CpuPressurePercent is double percent ? (long)(percent * RecordingFormat.PressureScale) + 1 : 0);
        }

        foreach (IReadOnlyList<ChangeStretch> stretches in moment.Guests)
        {
            Write(stretches.Count);
            foreach (ChangeStretch stretch in stretches)
            {
                Write(((long)stretch.Length << RecordingFormat.KindBits) | (long)stretch.Kind);
                if (stretch.HasContents)
                {
                    Write(stretch.First);
                }
            }
        }

        WriteBlock(BlockKind.Moment);
        _moments++;
    }

    /// <summary>Ends the recording.</summary>
    public void End()
    {
        Write(_moments);
        WriteBlock(BlockKind.End);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Write(long number) => RecordingFormat.Write(_payload, number);

    private void WriteBlock(BlockKind kind)
    {
        _file.Write(RecordingFormat.Block(kind, CollectionsMarshal.AsSpan(_payload)));
        _file.Flush();
        _payload.Clear();
    }
}
