namespace PageShare.Cli.Run;

/// <summary>Compares every byte of guests with their own records.</summary>
internal static class Verification
{
    private const int ChunkPages = 256;
    private const int MostMessages = 10;

    /// <summary>Verifies all guests, several at a time. Their workloads must have ended.</summary>
    public static IReadOnlyList<GuestVerdict> Verify(IReadOnlyList<LoadedGuest> guests)
    {
        var verdicts = new GuestVerdict[guests.Count];
        Parallel.For(0, guests.Count, i => verdicts[i] = Verify(guests[i].Guest, guests[i].Record));
        return verdicts;
    }

    /// <summary>Verifies one guest.</summary>
    public static GuestVerdict Verify(MappedGuest guest, GuestRecord record)
    {
        var messages = new List<string>();
        var expected = new byte[ChunkPages * Quantity.PageBytes];
        long wrong = 0;
        try
        {
            for (long page = 0; page < record.Pages; page += ChunkPages)
            {
                int length = (int)Math.Min(ChunkPages, record.Pages - page) * Quantity.PageBytes;
                Span<byte> chunk = expected.AsSpan(0, length);
                record.Expect(page, chunk);
                if (!guest.AsSpan(page * Quantity.PageBytes, length).SequenceEqual(chunk))
                {
                    wrong += FindWrongPages(guest, record, page, chunk, messages);
                }
            }
        }
        catch (CommandException changed)
        {
            messages.Add($"{guest.Name}: {changed.Message}");
            return new GuestVerdict(guest.Name, Verified: false, wrong, messages);
        }

        return new GuestVerdict(guest.Name, Verified: wrong == 0, wrong, messages);
    }

    private static long FindWrongPages(
        MappedGuest guest, GuestRecord record, long firstPage, ReadOnlySpan<byte> expected, List<string> messages)
    {
        long wrong = 0;
        for (int i = 0; i < expected.Length / Quantity.PageBytes; i++)
        {
            long page = firstPage + i;
            ReadOnlySpan<byte> right = expected.Slice(i * Quantity.PageBytes, Quantity.PageBytes);
            if (guest.AsSpan(page * Quantity.PageBytes, Quantity.PageBytes).SequenceEqual(right))
            {
                continue;
            }

            wrong++;
            if (messages.Count < MostMessages)
            {
                messages.Add(PageMismatch.Describe(guest, record, page, right));
            }
        }

        return wrong;
    }
}

/// <summary>What verifying a guest showed.</summary>
/// <param name="Name">The guest.</param>
/// <param name="Verified">Whether every byte was what the guest wrote last.</param>
/// <param name="WrongPages">Pages with at least one wrong byte.</param>
/// <param name="Messages">The first few of them in words, or what kept us from verifying.</param>
internal sealed record GuestVerdict(string Name, bool Verified, long WrongPages, IReadOnlyList<string> Messages);
