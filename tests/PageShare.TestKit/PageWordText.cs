using PageShare.Memory;
using PageShare.PageTable;

namespace PageShare.TestKit;

/// <summary>What page words say of a guest's pages, for failure messages and checks. Thread-safe.</summary>
public static class PageWordText
{
    /// <summary>The word of one page now, such as "Shared(frame 12)".</summary>
    /// <param name="guest">A guest that is not disposed.</param>
    /// <param name="page">From 0.</param>
    public static string Of(Guest guest, long page) => guest.Region.Words.Read(new PageNumber(page)).ToString();

    /// <summary>How many of the guest's pages map a frame now.</summary>
    /// <param name="guest">A guest that is not disposed.</param>
    public static int CountSharing(Guest guest)
    {
        var sharing = 0;
        for (var page = new PageNumber(0); page.Value < guest.Length / PageSize.Bytes; page++)
        {
            sharing += PageStates.IsShared(guest.Region.Words.Read(page).State) ? 1 : 0;
        }

        return sharing;
    }
}
