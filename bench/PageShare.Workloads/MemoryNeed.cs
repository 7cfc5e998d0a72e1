using PageShare.Cli;

namespace PageShare.Workloads;

/// <summary>Whether this machine has the memory that a workload needs.</summary>
internal static class MemoryNeed
{
    // Beside the guests' pages: tables of engine and kernel, the images' page cache, and something for the others.
    private const double Share = 1.25;
    private const long Margin = 256L << 20;

    /// <summary>Why guests of this size can't be made here; null if they can.</summary>
    public static string? Refuses(long guestBytes) => Refuses(guestBytes, AvailableMemory.Read());

    /// <summary>The same for a given machine.</summary>
    /// <param name="guestBytes">Of all guests.</param>
    /// <param name="available">What can be had; null: unknown, and taken to suffice.</param>
    internal static string? Refuses(long guestBytes, long? available)
    {
        var needed = (guestBytes * Share) + Margin;
        return available < needed
            ? $"{Quantity.Bytes(guestBytes)} of guests need {Quantity.Bytes(needed)} of memory, and "
                + $"{Quantity.Bytes(available.Value)} are available."
            : null;
    }
}
