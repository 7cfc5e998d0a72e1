using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan;

/// <summary>A piece of work: some neighbouring pages of a target, or the beginning or end of one.</summary>
/// <remarks>Guard: whoever took it from the pool, until it is handed on.</remarks>
internal sealed class ScanUnit
{
    /// <summary>
    /// Most pages of a unit. Together they fit into a core's second cache, so hashing finds them there.
    /// </summary>
    public const int MostPages = 64;

    private readonly PageDigest[] _digests = new PageDigest[MostPages];

    /// <summary>Its place among all units.</summary>
    public long Sequence { get; set; }

    /// <summary>The target.</summary>
    public ScanTarget Target { get; set; } = null!;

    /// <summary>What to do.</summary>
    public UnitKind Kind { get; set; }

    /// <summary>The pages.</summary>
    public PageRange Range { get; set; }

    /// <summary>A bit for each page that was not there any more.</summary>
    public ulong Gone { get; private set; }

    /// <summary>Why it could not be read; null if it was.</summary>
    public TargetException? Failure { get; private set; }

    /// <summary>What was found in the pages.</summary>
    public ReadOnlySpan<PageDigest> Digests => _digests.AsSpan(0, (int)Range.Pages);

    /// <summary>Room for the pages of a unit. A thread uses the same for each, so that it stays in its cache.</summary>
    public static byte[] NewBuffer() =>
        GC.AllocateUninitializedArray<byte>(MostPages * Quantity.PageBytes, pinned: true);

    /// <summary>Reads the pages and digests them.</summary>
    /// <param name="buffer">From <see cref="NewBuffer"/>.</param>
    /// <param name="seed">Of the hash.</param>
    /// <param name="compression">Is offered each page; null if nobody asks.</param>
    public void Process(byte[] buffer, long seed, CompressionSample? compression)
    {
        Failure = null;
        Gone = 0;
        if (Kind != UnitKind.Pages || Range.Pages == 0)
        {
            return;
        }

        Span<byte> pages = buffer.AsSpan(0, (int)Range.Pages * Quantity.PageBytes);
        try
        {
            Gone = Target.Read(Range, pages);
        }
        catch (TargetException failed)
        {
            Failure = failed;
            return;
        }

        for (int i = 0; i < Range.Pages; i++)
        {
            if ((Gone >> i & 1) != 0)
            {
                continue;
            }

            ReadOnlySpan<byte> page = pages.Slice(i * Quantity.PageBytes, Quantity.PageBytes);
            _digests[i] = PageDigest.Of(page, seed);
            if (_digests[i].Kind != ContentKind.Zero)
            {
                compression?.Offer(_digests[i], page);
            }
        }
    }
}

/// <summary>What a unit of work is.</summary>
internal enum UnitKind
{
    /// <summary>A target begins.</summary>
    Begin,

    /// <summary>Pages to read.</summary>
    Pages,

    /// <summary>A target ends.</summary>
    End,
}
