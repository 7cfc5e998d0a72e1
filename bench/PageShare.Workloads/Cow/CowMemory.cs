using PageShare.Cli.Run;
using PageShare.Workloads.Guests;

namespace PageShare.Workloads.Cow;

/// <summary>Pages of which each store finds something to be done, in somebody's hands. Made anew for each measurement,
/// since a page breaks but once.</summary>
internal abstract unsafe class CowMemory : IDisposable
{
    /// <summary>Shared and read before, as a guest's pages mostly are.</summary>
    /// <param name="index">From 0, in the order of addresses.</param>
    public abstract byte* PageAt(int index);

    /// <summary>Several of them, in this order.</summary>
    public byte*[] PagesAt(int[] indices)
    {
        var pages = new byte*[indices.Length];
        for (var i = 0; i < pages.Length; i++)
        {
            pages[i] = PageAt(indices[i]);
        }

        return pages;
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Reads each page, so that it is mapped when it breaks.</summary>
    protected void Touch(int pages)
    {
        var sum = 0;
        for (var i = 0; i < pages; i++)
        {
            sum += Volatile.Read(ref *PageAt(i));
        }

        GC.KeepAlive(sum);
    }
}

/// <summary>The limit: anonymous memory that was never touched.</summary>
internal sealed unsafe class UntouchedMemory(int pages) : CowMemory
{
    private readonly PageBuffer _buffer = new(pages);

    /// <inheritdoc/>
    // SAFETY: the caller stays below the pages that it asked for, and the buffer lives until this is disposed.
    public override byte* PageAt(int index) => _buffer.PageAt(index);

    /// <inheritdoc/>
    public override void Dispose() => _buffer.Dispose();
}

/// <summary>Pages that KSM has merged in pairs.</summary>
internal sealed unsafe class KsmMemory : CowMemory
{
    private readonly KsmPages _pages;

    public KsmMemory(int pages, CancellationToken stop)
    {
        _pages = new KsmPages(pages);
        try
        {
            _pages.Merge(stop);
            Touch(pages);
        }
        catch
        {
            _pages.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    // SAFETY: the caller stays below the pages that it asked for, which live until this is disposed.
    public override byte* PageAt(int index) => _pages.Start + ((long)index * PageShare.Memory.PageSize.Bytes);

    /// <inheritdoc/>
    public override void Dispose() => _pages.Dispose();
}

/// <summary>Pages that one of our guests shares with another one.</summary>
internal sealed unsafe class SharedGuestMemory : CowMemory
{
    private const int RunPages = 64;

    private readonly IGuestHost _host;
    private readonly GuestSet _set;

    public SharedGuestMemory(int pages, EngineOptions options, ulong seed, CancellationToken stop)
    {
        _host = GuestHosts.Start(options with { BackgroundScanning = false });
        try
        {
            var mode = options.FaultMode;
            var mix = new GuestMix(Guests: 2, PagesPerGuest: 2 * pages, RunPages, seed);
            _set = GuestSet.Create((name, bytes) => _host.Create(name, bytes, mode), mix, stop);
            _host.Converge(stop);

            var totals = _host.Snapshot().Totals;
            if (totals.PagesShared + totals.PagesSharing < 2 * pages * 0.99)
            {
                throw new InvalidOperationException(
                    $"{totals.PagesShared + totals.PagesSharing} of {2 * pages} pages are shared: nothing to measure.");
            }

            Touch(pages);
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    // SAFETY: the caller stays below the common pages that it asked for, and the guest lives until this is disposed.
    public override byte* PageAt(int index) => _set.PageAt(1, _set.PageOfCommon(index));

    /// <inheritdoc/>
    public override void Dispose() => _host.Dispose();
}
