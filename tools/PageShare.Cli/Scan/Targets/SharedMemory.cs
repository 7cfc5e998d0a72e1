namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// Remembers, over all processes of one scan, which physical pages were seen, so that each counts once. A bit for each
/// page: 32 KiB for a GiB of memory.
/// </summary>
/// <remarks>
/// Frame numbers are those of the moment. A frame that one process gave back and another got before its turn came
/// counts as shared though it is not; that can't be told from outside, and is rare within the seconds of a scan. Guard:
/// one thread at a time, as with <see cref="ScanTarget.Ranges"/>.
/// </remarks>
internal sealed class SharedMemory
{
    private const int BlockShift = 15;
    private const int WordShift = 6;

    private readonly Dictionary<(ulong Device, ulong Inode, long Block), ulong[]> _blocks = [];

    /// <summary>Notes a physical frame; false if it was noted before.</summary>
    public bool AddFrame(long frame) => Add(0, 0, frame);

    /// <summary>Notes a page of a memory object; false if it was noted before.</summary>
    /// <param name="device">Of the object, never 0 together with inode 0.</param>
    /// <param name="inode">Of the object.</param>
    /// <param name="page">Offset in pages.</param>
    public bool AddPage(ulong device, ulong inode, long page) => Add(device, inode, page);

    private bool Add(ulong device, ulong inode, long number)
    {
        var key = (device, inode, number >> BlockShift);
        if (!_blocks.TryGetValue(key, out ulong[]? bits))
        {
            bits = new ulong[1 << (BlockShift - WordShift)];
            _blocks.Add(key, bits);
        }

        ref ulong word = ref bits[(number >> WordShift) & ((1 << (BlockShift - WordShift)) - 1)];
        ulong bit = 1UL << (int)(number & ((1 << WordShift) - 1));
        bool isNew = (word & bit) == 0;
        word |= bit;
        return isNew;
    }
}
