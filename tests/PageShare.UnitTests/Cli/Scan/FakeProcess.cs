using System.Buffers.Binary;
using System.Globalization;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

/// <summary>The files of <c>/proc/PID</c> as a kernel would show them, written by hand.</summary>
internal sealed class FakeProcess
{
    public const ulong Present = 1UL << 63;
    public const ulong Swapped = 1UL << 62;
    public const ulong OfFile = 1UL << 61;

    private const int PageBytes = 4096;

    private readonly List<string> _maps = [];
    private readonly SortedDictionary<long, (ulong Entry, int Number)> _pages = [];

    /// <summary>Adds a mapping.</summary>
    /// <param name="page">First page of it.</param>
    /// <param name="file">Offset, device, inode and name as in maps.</param>
    /// <param name="pages">For each page what pagemap says, and the number that it is full of.</param>
    public FakeProcess Map(long page, string file, params (ulong Entry, int Number)[] pages)
    {
        string range = string.Create(
            CultureInfo.InvariantCulture, $"{page * PageBytes:x}-{(page + pages.Length) * PageBytes:x}");
        _maps.Add($"{range} rw-p {file}");
        for (int i = 0; i < pages.Length; i++)
        {
            _pages[page + i] = pages[i];
        }

        return this;
    }

    /// <summary>Writes the files.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="pid">The process's number.</param>
    /// <param name="readable">
    /// How many pages of the address space can be read: fewer than there are is a process that ends.
    /// </param>
    public void Write(TemporaryFolder folder, int pid, long readable = long.MaxValue)
    {
        long end = _pages.Count == 0 ? 0 : _pages.Keys.Max() + 1;
        byte[] pagemap = new byte[end * sizeof(ulong)];
        byte[] memory = new byte[Math.Min(end, readable) * PageBytes];
        foreach ((long page, (ulong entry, int number)) in _pages)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(pagemap.AsSpan((int)page * sizeof(ulong)), entry);
            if (page < readable)
            {
                NumberedPages.Fill(memory.AsSpan((int)page * PageBytes, PageBytes), number);
            }
        }

        folder.Write($"{pid}/maps", string.Concat(_maps.Select(line => line + "\n")));
        folder.Write($"{pid}/pagemap", pagemap);
        folder.Write($"{pid}/mem", memory);
        folder.Write(
            $"{pid}/mountinfo",
            "25 30 0:23 / /run rw,nosuid shared:5 - tmpfs tmpfs rw\n26 1 8:1 / / rw - ext4 x rw\n");
    }
}
