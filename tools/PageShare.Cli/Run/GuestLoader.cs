using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run;

/// <summary>Writes the first content of a guest's memory, every page of it, zero pages too: nothing that is saved later
/// was never there.</summary>
internal sealed class GuestLoader(IPageTally tally)
{
    // 1 MiB: counted while it is still in the cache.
    private const int ChunkPages = 256;

    /// <summary>Loads the guest.</summary>
    /// <exception cref="CommandException">A file can't be read any more.</exception>
    /// <exception cref="OperationCanceledException">The user stopped it; the guest is loaded in part.</exception>
    public void Load(MappedGuest guest, GuestPlan plan, GuestRecord record, CancellationToken cancellationToken)
    {
        foreach (PageSegment segment in plan.Segments)
        {
            using SafeFileHandle? handle = segment.File?.Open();
            for (long page = segment.FirstPage; page < segment.EndPage; page += ChunkPages)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long offset = page * Quantity.PageBytes;
                int length = (int)Math.Min(ChunkPages, segment.EndPage - page) * Quantity.PageBytes;
                if (handle is null)
                {
                    record.ExpectFromPlan(page, guest.AsSpan(offset, length));
                }
                else
                {
                    ReadFile(guest, segment.File!, handle, (page - segment.FirstPage) * Quantity.PageBytes, offset, length);
                }

                tally.Add(guest.Domain, guest.AsSpan(offset, length));
            }
        }
    }

    /// <summary>Reads straight into guest memory, as a guest's own file system would, and clears what lies behind the
    /// end.</summary>
    private static void ReadFile(
        MappedGuest guest, InputFile file, SafeFileHandle handle, long fileOffset, long guestOffset, int length)
    {
        int wanted = (int)Math.Min(length, file.Length - fileOffset);
        int done = 0;
        while (done < wanted)
        {
            int read = guest.ReadFrom(handle, fileOffset + done, guestOffset + done, wanted - done);
            if (read <= 0)
            {
                throw file.HasChanged();
            }

            done += read;
        }

        guest.AsSpan(guestOffset + wanted, length - wanted).Clear();
    }
}
