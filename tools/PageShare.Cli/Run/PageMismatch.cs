namespace PageShare.Cli.Run;

/// <summary>Puts into words how a page differs from what its guest wrote.</summary>
internal static class PageMismatch
{
    /// <summary>One sentence: guest, page, where its content came from, and the first byte that is wrong.</summary>
    public static string Describe(MappedGuest guest, GuestRecord record, long page, ReadOnlySpan<byte> expected)
    {
        ReadOnlySpan<byte> actual = guest.AsSpan(page * Quantity.PageBytes, Quantity.PageBytes);
        int first = actual.CommonPrefixLength(expected);
        string difference = first < expected.Length
            ? $"byte {first} is 0x{actual[first]:x2} and should be 0x{expected[first]:x2}"
            : "it was wrong a moment ago, and is right now";
        string hint = record.FileOf(page) is InputFile file && file.HasChangedSince()
            ? "; but that file changed during the run, so this may be no fault of the memory"
            : "";
        return $"{guest.Name}: page {page} ({record.Describe(page)}): {difference}{hint}";
    }
}
