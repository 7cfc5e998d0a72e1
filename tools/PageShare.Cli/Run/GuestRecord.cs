namespace PageShare.Cli.Run;

/// <summary>How a working guest changes a page.</summary>
internal enum PageChange
{
    /// <summary>Overwrites a few bytes.</summary>
    Patch,

    /// <summary>Overwrites the page with bytes that no other page has.</summary>
    Rewrite,

    /// <summary>Clears the page, as a guest does with memory that it has freed.</summary>
    Clear,

    /// <summary>Loads the first content again, as a page cache does.</summary>
    Reload,
}

/// <summary>
/// A guest's own record of what each byte of its memory must be. It is the oracle that the guest is verified against,
/// so it never looks at guest memory: it knows where content came from, and can make it again.
/// </summary>
/// <remarks>
/// Keeping a copy would double the memory, so a page's record is 8 bytes: which write gave it its whole content (none:
/// the plan did), and which patch came last. All patches of a page have one place, so the last alone is visible and
/// nothing older needs to be known. Not thread-safe: belongs to the guest's thread, then to the verifier.
/// </remarks>
internal sealed class GuestRecord
{
    private const uint FromPlan = 0;
    private const uint Cleared = 1;

    private readonly GuestPlan _plan;
    private readonly ulong _seed;
    private readonly LastWrites[] _pages;
    private readonly byte[] _scratch = new byte[Quantity.PageBytes];
    private uint _lastSequence = Cleared;

    /// <summary>Starts with every page as planned.</summary>
    /// <param name="plan">What the guest loads.</param>
    /// <param name="seed">Belongs to this guest alone: no other makes the same private bytes.</param>
    public GuestRecord(GuestPlan plan, ulong seed)
    {
        _plan = plan;
        _seed = seed;
        _pages = new LastWrites[plan.Pages];
    }

    /// <summary>Pages of the guest.</summary>
    public long Pages => _plan.Pages;

    /// <summary>Makes the bytes that a stretch of pages must have.</summary>
    /// <exception cref="CommandException">A file is no longer what it was.</exception>
    public void Expect(long firstPage, Span<byte> pages)
    {
        ExpectFromPlan(firstPage, pages);
        for (int i = 0; i < pages.Length / Quantity.PageBytes; i++)
        {
            Overlay(firstPage + i, pages.Slice(i * Quantity.PageBytes, Quantity.PageBytes));
        }
    }

    /// <summary>Makes the bytes that a stretch of pages had before the guest began to work.</summary>
    public void ExpectFromPlan(long firstPage, Span<byte> pages)
    {
        while (pages.Length > 0)
        {
            PageSegment segment = _plan.SegmentOf(firstPage);
            int length = (int)Math.Min(pages.Length, (segment.EndPage - firstPage) * Quantity.PageBytes);
            Originate(segment, firstPage, pages[..length]);
            pages = pages[length..];
            firstPage += length / Quantity.PageBytes;
        }
    }

    /// <summary>Whether the page holds nothing but zeroes because somebody wrote them.</summary>
    public bool IsKnownZero(long page)
    {
        LastWrites writes = _pages[page];
        return writes.Patch == 0
            && (writes.Whole == Cleared
                || (writes.Whole == FromPlan && _plan.SegmentOf(page).Origin == PageOrigin.Zero));
    }

    /// <summary>Notes a change, and makes it in memory: only what it changes is written, nothing is read.</summary>
    public void Change(long page, PageChange change, Span<byte> memory)
    {
        ref LastWrites writes = ref _pages[page];
        if (change == PageChange.Patch)
        {
            writes.Patch = checked(++_lastSequence);
            WritePatch(page, writes.Patch, memory);
            return;
        }

        writes.Patch = 0;
        writes.Whole = change switch
        {
            PageChange.Clear => Cleared,
            PageChange.Reload => FromPlan,
            _ => checked(++_lastSequence),
        };
        Expect(page, _scratch);
        _scratch.CopyTo(memory);
    }

    /// <summary>Says where a page's content comes from, for messages.</summary>
    public string Describe(long page)
    {
        PageSegment segment = _plan.SegmentOf(page);
        LastWrites writes = _pages[page];
        string whole = writes.Whole switch
        {
            Cleared => "cleared",
            > Cleared => $"rewritten by write {writes.Whole}",
            _ when segment.File is InputFile file =>
                $"{file.Path} at {(page - segment.FirstPage) * Quantity.PageBytes}",
            _ => segment.Origin == PageOrigin.Zero ? "zero" : "private data",
        };
        return writes.Patch == 0 ? whole : $"{whole}, patched by write {writes.Patch}";
    }

    /// <summary>The file that a page's content comes from, if it does.</summary>
    public InputFile? FileOf(long page) => _pages[page].Whole == FromPlan ? _plan.SegmentOf(page).File : null;

    private void Originate(PageSegment segment, long firstPage, Span<byte> pages)
    {
        switch (segment.Origin)
        {
            case PageOrigin.File:
                segment.File!.Read((firstPage - segment.FirstPage) * Quantity.PageBytes, pages);
                break;
            case PageOrigin.Private:
                for (int i = 0; i < pages.Length / Quantity.PageBytes; i++)
                {
                    ulong page = (ulong)(firstPage + i);
                    PagePattern.Fill(
                        SeededRandom.Mix(_seed, page), pages.Slice(i * Quantity.PageBytes, Quantity.PageBytes));
                }

                break;
            default:
                pages.Clear();
                break;
        }
    }

    private void Overlay(long page, Span<byte> expected)
    {
        LastWrites writes = _pages[page];
        if (writes.Whole == Cleared)
        {
            expected.Clear();
        }
        else if (writes.Whole != FromPlan)
        {
            PagePattern.Fill(SeededRandom.Mix(_seed, (ulong)page, writes.Whole), expected);
        }

        if (writes.Patch != 0)
        {
            WritePatch(page, writes.Patch, expected);
        }
    }

    private void WritePatch(long page, uint sequence, Span<byte> memory)
    {
        (int offset, int length) = PagePattern.PatchPlace(SeededRandom.Mix(_seed, (ulong)page, FromPlan));
        PagePattern.Fill(SeededRandom.Mix(_seed, (ulong)page, sequence), memory.Slice(offset, length));
    }

    /// <summary>The sequence numbers of the writes that a page's content is made of.</summary>
    private struct LastWrites
    {
        /// <summary>0: as planned; 1: cleared; else the write that made the whole page.</summary>
        public uint Whole;

        /// <summary>The last patch since then; 0: none.</summary>
        public uint Patch;
    }
}
