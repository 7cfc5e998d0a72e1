using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using PageShare.Platform;

namespace PageShare.Cli.Traces;

/// <summary>Reads a recording and refuses what is damaged, cut off, or of another kind.</summary>
internal sealed class RecordingReader
{
    private const string MakeAnew = "Record it anew.";
    private const int MostGuests = 1 << 20;

    private readonly string _path;
    private readonly FileStream _file;
    private readonly TraceBuilder _trace;
    private readonly int[] _pages;
    private int _contents = 1;
    private TimeSpan _last = TimeSpan.MinValue;
    private long _moments;

    private RecordingReader(string path, FileStream file)
    {
        _path = path;
        _file = file;
        ReadFileHead();
        if (!TryReadBlock(out BlockKind kind, out byte[] head) || kind != BlockKind.Head)
        {
            throw CutOff();
        }

        List<string> guests = ParseHead(head);
        _pages = new int[guests.Count];
        _trace = new TraceBuilder(path, guests);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CommandException">It can't be read, or is no whole recording; the message names it.</exception>
    public static MemoryTrace Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return new RecordingReader(path, file).ReadMoments();
        }
        catch (Exception failed) when (failed is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.Failed($"{path}: does not exist. Check the path.", failed);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Failed($"{path}: can't be read: {failed.Message}", failed);
        }
        catch (Exception failed) when (failed is InvalidDataException or OverflowException or DecoderFallbackException)
        {
            throw CommandException.Failed($"{path}: is damaged: {failed.Message}. {MakeAnew}", failed);
        }
    }

    private MemoryTrace ReadMoments()
    {
        while (TryReadBlock(out BlockKind kind, out byte[] payload))
        {
            ReadOnlySpan<byte> rest = payload;
            switch (kind)
            {
                case BlockKind.Moment:
                    _trace.Add(ParseMoment(ref rest));
                    _moments++;
                    break;
                case BlockKind.End when RecordingFormat.Read(ref rest) == _moments && _file.Position == _file.Length:
                    return _trace.Build();
                default:
                    throw new InvalidDataException($"something else than a moment follows moment {_moments}");
            }

            if (rest.Length > 0)
            {
                throw new InvalidDataException($"moment {_moments} has bytes that belong to nothing");
            }
        }

        throw CutOff();
    }

    private void ReadFileHead()
    {
        Span<byte> head = stackalloc byte[RecordingFormat.FileHeadBytes];
        int read = _file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (read < head.Length || !head.StartsWith(RecordingFormat.Magic))
        {
            throw CommandException.Failed(
                $"{_path}: is no recording. Make one with pageshare record, or name images with --at.");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(head[RecordingFormat.Magic.Length..]);
        if (version != RecordingFormat.Version)
        {
            throw CommandException.Failed(
                $"{_path}: is a recording of format {version}, and this pageshare reads format "
                + $"{RecordingFormat.Version}. Use the version that it was made with, or record anew.");
        }
    }

    /// <summary>Reads a block and checks it; false where the file ends before the block does.</summary>
    private bool TryReadBlock(out BlockKind kind, out byte[] payload)
    {
        kind = default;
        payload = [];
        Span<byte> head = stackalloc byte[RecordingFormat.BlockHeadBytes];
        if (_file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length)
        {
            return false;
        }

        // Asked before memory is: a length that is damaged may say anything.
        long length = BinaryPrimitives.ReadUInt32LittleEndian(head[1..]);
        if (length + RecordingFormat.ChecksumBytes > _file.Length - _file.Position)
        {
            return false;
        }

        kind = (BlockKind)head[0];
        payload = new byte[length];
        Span<byte> checksum = stackalloc byte[RecordingFormat.ChecksumBytes];
        _file.ReadExactly(payload);
        _file.ReadExactly(checksum);
        var hash = new XxHash3();
        hash.Append(head);
        hash.Append(payload);
        if (hash.GetCurrentHashAsUInt64() != BinaryPrimitives.ReadUInt64LittleEndian(checksum))
        {
            throw new InvalidDataException($"what follows moment {_moments} does not fit its checksum");
        }

        return true;
    }

    private static List<string> ParseHead(ReadOnlySpan<byte> head)
    {
        long pageBytes = RecordingFormat.Read(ref head);
        long count = RecordingFormat.Read(ref head);
        if (pageBytes != Quantity.PageBytes || count is < 1 or > MostGuests)
        {
            throw new InvalidDataException($"it tells of {count} guests with pages of {pageBytes} bytes");
        }

        var guests = new List<string>();
        for (int i = 0; i < count; i++)
        {
            int length = (int)Math.Min(RecordingFormat.Read(ref head), head.Length);
            guests.Add(Encoding.UTF8.GetString(head[..length]));
            head = head[length..];
        }

        return guests;
    }

    private Moment ParseMoment(ref ReadOnlySpan<byte> payload)
    {
        TimeSpan at = TimeSpan.FromMilliseconds(RecordingFormat.Read(ref payload));
        int contents = checked((int)RecordingFormat.Read(ref payload));
        if (at <= _last || contents < _contents)
        {
            throw new InvalidDataException($"moment {_moments + 1} is earlier than the one before");
        }

        _last = at;
        _contents = contents;
        MachineLoad? load = null;
        TimeSpan ownCpu = TimeSpan.Zero;
        if (RecordingFormat.Read(ref payload) != 0)
        {
            var idle = TimeSpan.FromTicks(RecordingFormat.Read(ref payload));
            var busy = TimeSpan.FromTicks(RecordingFormat.Read(ref payload));
            ownCpu = TimeSpan.FromTicks(RecordingFormat.Read(ref payload));
            long pressure = RecordingFormat.Read(ref payload);
            load = new MachineLoad(idle, busy, pressure == 0 ? null : (pressure - 1) / RecordingFormat.PressureScale);
        }

        var guests = new IReadOnlyList<ChangeStretch>[_pages.Length];
        for (int guest = 0; guest < guests.Length; guest++)
        {
            guests[guest] = ParseGuest(ref payload, guest);
        }

        return new Moment { At = at, Load = load, OwnCpu = ownCpu, Contents = contents, Guests = guests };
    }

    private List<ChangeStretch> ParseGuest(ref ReadOnlySpan<byte> payload, int guest)
    {
        var stretches = new List<ChangeStretch>();
        int pages = 0;
        for (long count = RecordingFormat.Read(ref payload); count > 0; count--)
        {
            long head = RecordingFormat.Read(ref payload);
            var kind = (ChangeKind)(head & ((1 << RecordingFormat.KindBits) - 1));
            int length = checked((int)(head >> RecordingFormat.KindBits));
            var stretch = new ChangeStretch(kind, length, 0);
            if (stretch.HasContents)
            {
                stretch = stretch with { First = checked((int)RecordingFormat.Read(ref payload)) };
            }

            int last = stretch.HasContents ? stretch.ContentAt(length - 1) : 0;
            if (!Enum.IsDefined(kind) || length == 0 || last >= _contents || last < 0
                || (stretch.HasContents && stretch.First < 1))
            {
                throw new InvalidDataException($"moment {_moments + 1} tells of pages that can't be");
            }

            pages = checked(pages + length);
            stretches.Add(stretch);
        }

        if (pages < _pages[guest])
        {
            throw new InvalidDataException($"moment {_moments + 1} does not tell of all pages");
        }

        _pages[guest] = pages;
        return stretches;
    }

    private CommandException CutOff() => CommandException.Failed(
        $"{_path}: is cut off after {_moments} whole moments: the recording was killed, or its disk was full. "
        + $"{MakeAnew} End it with Ctrl-C or --duration.");
}
