namespace PageShare.Cli.Traces;

/// <summary>
/// The contents of one guest's pages at the moment before and at the one being read. Pages are numbered chunk by chunk,
/// in the order in which chunks of the address space are first seen: processes map and unmap memory, and a page must
/// keep its number meanwhile.
/// </summary>
internal sealed class GuestPages
{
    /// <summary>Pages of a chunk: as many as the engine looks at in one go.</summary>
    public const int ChunkPages = 512;

    private readonly Dictionary<long, int> _chunks = [];
    private readonly List<int[]> _before = [];
    private readonly List<int[]> _now = [];

    /// <summary>Pages of all chunks.</summary>
    public int Pages => _now.Count * ChunkPages;

    /// <summary>Pages that have memory at the last moment.</summary>
    public int Populated { get; private set; }

    /// <summary>Pages of the last moment that have another content than before.</summary>
    public int Changed { get; private set; }

    /// <summary>Notes the content of a page.</summary>
    /// <param name="address">Number of the page in the address space.</param>
    /// <param name="content">Number of the content.</param>
    public void Set(long address, int content)
    {
        if (!_chunks.TryGetValue(address / ChunkPages, out int chunk))
        {
            chunk = _now.Count;
            _chunks.Add(address / ChunkPages, chunk);
            _before.Add(NewChunk());
            _now.Add(NewChunk());
        }

        _now[chunk][address % ChunkPages] = content;
    }

    /// <summary>Ends a moment.</summary>
    /// <param name="complete">
    /// Whether all pages were read; if not, those that were not are what they were.
    /// </param>
    /// <returns>What has changed.</returns>
    public List<ChangeStretch> Turn(bool complete)
    {
        var stretches = new StretchList();
        Populated = 0;
        Changed = 0;
        for (int chunk = 0; chunk < _now.Count; chunk++)
        {
            int[] before = _before[chunk];
            int[] now = _now[chunk];
            for (int page = 0; page < ChunkPages; page++)
            {
                if (now[page] == Contents.Absent && !complete)
                {
                    now[page] = before[page];
                }

                Populated += now[page] == Contents.Absent ? 0 : 1;
                Changed += now[page] == before[page] ? 0 : 1;
                stretches.Add(now[page], isSame: now[page] == before[page]);
            }

            (_before[chunk], _now[chunk]) = (now, before);
            Array.Fill(before, Contents.Absent);
        }

        return stretches.Stretches;
    }

    private static int[] NewChunk()
    {
        int[] chunk = new int[ChunkPages];
        Array.Fill(chunk, Contents.Absent);
        return chunk;
    }

    /// <summary>Puts pages together into stretches.</summary>
    private sealed class StretchList
    {
        public List<ChangeStretch> Stretches { get; } = [];

        public void Add(int content, bool isSame)
        {
            ChangeStretch page = isSame
                ? new ChangeStretch(ChangeKind.Same, 1, 0)
                : content switch
                {
                    Contents.Absent => new ChangeStretch(ChangeKind.Absent, 1, 0),
                    Contents.Zero => new ChangeStretch(ChangeKind.Zero, 1, 0),
                    _ => new ChangeStretch(ChangeKind.Ascending, 1, content),
                };
            if (Stretches.Count > 0 && Join(Stretches[^1], page) is ChangeStretch joined)
            {
                Stretches[^1] = joined;
            }
            else
            {
                Stretches.Add(page);
            }
        }

        private static ChangeStretch? Join(ChangeStretch open, ChangeStretch page)
        {
            if (!page.HasContents)
            {
                return open.Kind == page.Kind ? open with { Length = open.Length + 1 } : null;
            }

            if (open.Kind == ChangeKind.Ascending && page.First == open.First + open.Length)
            {
                return open with { Length = open.Length + 1 };
            }

            bool repeats = open.HasContents && page.First == open.First
                && (open.Kind == ChangeKind.Repeated || open.Length == 1);
            return repeats ? open with { Kind = ChangeKind.Repeated, Length = open.Length + 1 } : null;
        }
    }
}
