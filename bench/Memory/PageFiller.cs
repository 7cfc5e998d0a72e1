using System.Runtime.InteropServices;
using PageShare.Memory;

namespace PageShare.Bench.Memory;

/// <summary>Page contents that look random, are all different, and cost little more than a copy to make.</summary>
/// <remarks>
/// A page is some window of a random block, with its number in front: hashing and comparing cost the same whatever the
/// bytes are, as long as no two pages agree up to a late byte.
/// </remarks>
internal sealed unsafe class PageFiller
{
    /// <summary>Where every page has the same byte, so that storing it again is a store that changes nothing.</summary>
    public const int MarkOffset = PageSize.Bytes - 1;

    /// <summary>That byte.</summary>
    public const byte Mark = 1;

    private const int BlockBytes = 1 << 16;

    private readonly byte[] _block = new byte[BlockBytes + PageSize.Bytes];
    private readonly ulong _seed;

    public PageFiller(ulong seed)
    {
        _seed = seed;
        var random = new SeededRandom(seed);
        var words = MemoryMarshal.Cast<byte, ulong>(_block.AsSpan());
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = random.Next();
        }
    }

    /// <summary>Writes the content with this number; the same for equal seeds and numbers.</summary>
    public void Fill(byte* page, ulong number)
    {
        var mixed = SeededRandom.Mix(_seed, number);
        var window = (int)(mixed % (BlockBytes / 8)) * 8;
        _block.AsSpan(window, PageSize.Bytes).CopyTo(new Span<byte>(page, PageSize.Bytes));

        // SAFETY: the caller's page has 4096 bytes and is aligned.
        ((ulong*)page)[0] = mixed;
        ((ulong*)page)[1] = number;
        page[MarkOffset] = Mark;
    }
}
