using PageShare.Memory;

namespace PageShare.Bench.Memory;

/// <summary>Of what a <see cref="GuestSet"/> consists.</summary>
/// <param name="Guests">How many guests; of one alone nothing can be shared.</param>
/// <param name="PagesPerGuest">Pages of each: whole runs, as many common ones as others.</param>
/// <param name="RunPages">Pages of a run that guests have in common.</param>
/// <param name="Seed">Of contents and orders.</param>
internal sealed record GuestMix(int Guests, int PagesPerGuest, int RunPages, ulong Seed)
{
    /// <summary>Pages that all guests have, as each has them.</summary>
    public int CommonPages => PagesPerGuest / 2;

    /// <summary>Pages that exact sharing saves.</summary>
    public long BestSavedPages => (long)(Guests - 1) * CommonPages;

    /// <summary>Bytes of all guests.</summary>
    public long TotalBytes => (long)Guests * PagesPerGuest * PageSize.Bytes;

    /// <summary>The largest mix of whole runs that is no larger than so many bytes.</summary>
    public static GuestMix Of(int guests, long totalBytes, int runPages, ulong seed)
    {
        var pages = totalBytes / PageSize.Bytes / guests;
        return new GuestMix(guests, (int)(pages / (2 * runPages) * (2 * runPages)), runPages, seed);
    }
}
