namespace PageShare.Cli.Scan.Count;

/// <summary>What a stretch of neighbouring pages holds.</summary>
internal enum StretchKind : byte
{
    /// <summary>No memory that counts.</summary>
    Absent = 0,

    /// <summary>Zeroes.</summary>
    Zero,

    /// <summary>Contents of ascending numbers, each one above the one before.</summary>
    Ascending,

    /// <summary>The same content, over and over.</summary>
    Repeated,

    /// <summary>No page, but the start of a region.</summary>
    Region,
}

/// <summary>Neighbouring pages of one kind.</summary>
/// <param name="Kind">What they hold.</param>
/// <param name="Length">How many.</param>
/// <param name="First">Number of the first content; 0 where there is none.</param>
internal readonly record struct Stretch(StretchKind Kind, long Length, uint First)
{
    /// <summary>Number of the content of one of its pages.</summary>
    public long ContentAt(long page) => Kind == StretchKind.Ascending ? First + page : First;

    /// <summary>Whether its pages have contents.</summary>
    public bool HasContents => Kind is StretchKind.Ascending or StretchKind.Repeated;
}

/// <summary>
/// All pages of all targets in order, each as the number of its content. Contents are numbered as they are first seen,
/// so unique memory, and memory that repeats an earlier stretch, is one entry of some six bytes however long it is.
/// </summary>
/// <remarks>
/// An entry is its kind and length in one number, then the first content's number where there is one, both in base 128
/// with the lowest digits first. Guard: as <see cref="ByteLog"/>.
/// </remarks>
internal sealed class PageLog : IDisposable
{
    private const int KindBits = 3;
    private const int DigitBits = 7;
    private const byte MoreDigits = 1 << DigitBits;

    private readonly ByteLog _bytes = new();
    private readonly List<long> _starts = [];
    private Stretch _open;

    /// <summary>Most bytes to keep in memory.</summary>
    public long MemoryLimit
    {
        set => _bytes.MemoryLimit = value;
    }

    /// <summary>Bytes in memory.</summary>
    public long MemoryBytes => _bytes.MemoryBytes;

    /// <summary>What follows belongs to the next target.</summary>
    public void BeginTarget()
    {
        Close();
        _starts.Add(_bytes.Length);
    }

    /// <summary>Starts a region.</summary>
    public void AddRegion() => Open(new Stretch(StretchKind.Region, 0, 0));

    /// <summary>Adds zero or absent pages.</summary>
    public void Add(StretchKind kind, long length)
    {
        if (_open.Kind == kind && _open.Length > 0)
        {
            _open = _open with { Length = _open.Length + length };
        }
        else if (length > 0)
        {
            Open(new Stretch(kind, length, 0));
        }
    }

    /// <summary>Adds a page by its content.</summary>
    public void AddContent(long number)
    {
        if (_open.Kind == StretchKind.Ascending && number == _open.First + _open.Length)
        {
            _open = _open with { Length = _open.Length + 1 };
        }
        else if (_open.HasContents && number == _open.First
            && (_open.Kind == StretchKind.Repeated || _open.Length == 1))
        {
            _open = _open with { Kind = StretchKind.Repeated, Length = _open.Length + 1 };
        }
        else
        {
            Open(new Stretch(StretchKind.Ascending, 1, (uint)number));
        }
    }

    /// <summary>Ends writing.</summary>
    public void Seal()
    {
        Close();
        _starts.Add(_bytes.Length);
        _bytes.Seal();
    }

    /// <summary>The stretches of a target.</summary>
    public IEnumerable<Stretch> Read(int target)
    {
        ulong header = 0;
        ulong number = 0;
        int shift = 0;
        bool hasHeader = false;
        foreach (ArraySegment<byte> bytes in _bytes.Read(_starts[target], _starts[target + 1]))
        {
            foreach (byte digit in bytes)
            {
                number |= (ulong)(digit & (MoreDigits - 1)) << shift;
                shift += DigitBits;
                if ((digit & MoreDigits) != 0)
                {
                    continue;
                }

                if (!hasHeader && NeedsNumber(header = number))
                {
                    hasHeader = true;
                }
                else
                {
                    yield return new Stretch(
                        KindOf(header), (long)(header >> KindBits), hasHeader ? (uint)number : 0);
                    hasHeader = false;
                }

                number = 0;
                shift = 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private static StretchKind KindOf(ulong header) => (StretchKind)(header & ((1 << KindBits) - 1));

    private static bool NeedsNumber(ulong header) => KindOf(header) is StretchKind.Ascending or StretchKind.Repeated;

    private void Open(Stretch stretch)
    {
        Close();
        _open = stretch;
    }

    private void Close()
    {
        if (_open.Length > 0 || _open.Kind == StretchKind.Region)
        {
            AddNumber(((ulong)_open.Length << KindBits) | (ulong)_open.Kind);
            if (_open.HasContents)
            {
                AddNumber(_open.First);
            }
        }

        _open = default;
    }

    private void AddNumber(ulong number)
    {
        for (; number >= MoreDigits; number >>= DigitBits)
        {
            _bytes.Add((byte)(number | MoreDigits));
        }

        _bytes.Add((byte)number);
    }
}
