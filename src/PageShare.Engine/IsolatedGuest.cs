using System.Runtime.InteropServices;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare;

/// <summary>
/// A guest in a process of its own, as its host sees it: the host has its memory, orders merges from the agent in that
/// process, and never touches its mappings.
/// </summary>
/// <remarks>
/// Thread-safe. All that the guest's process can write is checked, or harms that process alone. A guest that is stopped
/// or dead holds up nobody: an order that it does not answer keeps the frames that it names, until the answer comes or
/// the guest is disposed.
/// </remarks>
internal sealed class IsolatedGuest : IDisposable
{
    // For an operator who asks for a guest's sharing to end: a GiB takes about a second.
    private static readonly TimeSpan MostUnshareLinger = TimeSpan.FromSeconds(1);

    // The same, of one stretch.
    private const int MostUnshareTries = 16;

    private readonly PageShareEngine _engine;
    private readonly int _stablePasses;
    private readonly byte[] _resident = new byte[Shim.OrderPages]; // guard: the engine's lock

    internal IsolatedGuest(PageShareEngine engine, GuestRegion region, int processId)
    {
        _engine = engine;
        _stablePasses = engine.Options.StablePasses;
        Region = region;
        ProcessId = processId;
    }

    /// <summary>The guest's name.</summary>
    public string Name => Region.Spec.Name;

    /// <summary>Its share domain.</summary>
    public string Domain => Region.Domain.Name;

    /// <summary>How stores to its shared pages are caught.</summary>
    public FaultMode FaultMode => Region.Spec.FaultMode;

    /// <summary>The process that maps it.</summary>
    public int ProcessId { get; }

    /// <summary>Pages now.</summary>
    public long Pages => Region.Pages;

    /// <summary>Pages that it may grow to; its memory objects are as large as for that.</summary>
    public long MaximumPages => Region.Spec.MaximumPages;

    /// <summary>Length of the view of the store that it has to map; the store grows into it.</summary>
    public long StoreBytes => Region.Domain.Store.ViewBytes;

    /// <summary>Whether written pages are going to be asked for, if its kernel can tell.</summary>
    public bool TrackWrites => Region.Spec.TrackWrites;

    /// <summary>How long a break may wait for memory.</summary>
    public TimeSpan BreakTimeout => Region.Spec.BreakTimeout;

    /// <summary>Most pages that one of its stores breaks.</summary>
    public int BreakPages => Region.Spec.BreakPages;

    /// <summary>What its process needs; owned by the guest.</summary>
    public GuestDescriptors Descriptors =>
        new(Memory.Backing, Memory.Table, Memory.Ring, Region.Domain.Store.Reader);

    /// <summary>
    /// The stores whose frames its pages may show, for reading: its domain's, then those of former hosts. Owned by the
    /// guest; a former one is closed as soon as no page shows it.
    /// </summary>
    public IReadOnlyList<(int Generation, SafeHandle Store)> Stores
    {
        get
        {
            lock (_engine.Registry.Gate)
            {
                ThrowIfDisposed();
                return [(Region.Generation, Region.Domain.Store.Reader), .. Region.Former?.Open ?? []];
            }
        }
    }

    /// <summary>What it has answered that cannot be; null if it has not.</summary>
    public string? WhyDistrusted => Ring.WhyDistrusted;

    /// <summary>Pages that still show a former host's frames, as last counted.</summary>
    public long PagesToMove => Region.Former?.PagesToMove ?? 0;

    /// <summary>Whether its pages may be shared. What is shared already stays so; see <see cref="Unshare"/>.</summary>
    public bool Sharing
    {
        get => Region.IsSharing;
        set => Region.IsSharing = value;
    }

    /// <summary>How it stands.</summary>
    public IsolatedState State
    {
        get
        {
            lock (_engine.Registry.Gate)
            {
                return Region.IsRemoved ? IsolatedState.Disposed
                    : Ring.WhyDistrusted is not null ? IsolatedState.Distrusted
                    : !Ring.IsAttached ? IsolatedState.Detached
                    : Ring.IsLate ? IsolatedState.Late
                    : PagesToMove > 0 ? IsolatedState.Moving
                    : IsolatedState.Attached;
            }
        }
    }

    internal GuestRegion Region { get; }

    private RingOrders Ring => Region.Ring!;

    private IsolatedMemory Memory => Region.Isolated!;

    /// <summary>Its agent has begun: orders may be given from now on.</summary>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public void Attach()
    {
        lock (_engine.Registry.Gate)
        {
            ThrowIfDisposed();
            Ring.IsAttached = true;
            Region.BackOff.End();
            Region.HealthTakenAt = null;
            Region.HandlerWasReplaced = false;
        }
    }

    /// <summary>
    /// The connection to its process broke: no more orders are given. What it shares stays shared, since the process
    /// may live, and what it breaks is noticed.
    /// </summary>
    public void Detach()
    {
        lock (_engine.Registry.Gate)
        {
            Ring.IsAttached = false;
        }
    }

    /// <summary>Its process has mapped more pages.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than now, or more than it has room for.</exception>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public void Grow(long pages)
    {
        lock (_engine.Registry.Gate)
        {
            ThrowIfDisposed();
            if (pages < Pages || pages > MaximumPages)
            {
                throw new ArgumentOutOfRangeException(nameof(pages), pages,
                    $"Guest '{Name}' has {Pages} pages and may grow to {MaximumPages}, but not shrink.");
            }

            Region.Grow(pages);
        }
    }

    /// <summary>Gives each page a copy of its own, unless it does not answer.</summary>
    /// <returns>False if some pages were left as they are, since the guest's agent does not answer.</returns>
    /// <exception cref="PlatformException">No memory for the copies.</exception>
    public bool Unshare()
    {
        for (var page = new PageNumber(0); page.Value < Pages; page += Shim.OrderPages)
        {
            if (!TryUnshare(page))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The guest's counters now.</summary>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public GuestSnapshot Snapshot() => _engine.SnapshotOf(Region);

    /// <summary>
    /// One letter a page: z zero, s shared, c shared and then broken by the kernel as last counted, p private, v
    /// volatile, - absent.
    /// </summary>
    /// <param name="firstPage">First page.</param>
    /// <param name="kinds">Receives the letters.</param>
    /// <returns>How many; fewer than there is room for at the guest's end.</returns>
    public int ReadKinds(long firstPage, Span<char> kinds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstPage);
        lock (_engine.Registry.Gate)
        {
            ThrowIfDisposed();
            var count = (int)Math.Min(kinds.Length, Math.Max(0, Pages - firstPage));
            for (var i = 0; i < count; i++)
            {
                if (i % Shim.OrderPages == 0)
                {
                    Region.Backing.QueryResidency(
                        new PageNumber(firstPage + i), _resident, Math.Min(Shim.OrderPages, count - i));
                }

                kinds[i] = KindOf(new PageNumber(firstPage + i), (_resident[i % Shim.OrderPages] & 1) != 0);
            }

            return count;
        }
    }

    /// <summary>
    /// Gives back all that it held. Only for a guest whose process is dead, or has said that its mappings are gone:
    /// what a frame shows must not change while it is mapped.
    /// </summary>
    public void Dispose() => _engine.Remove(this);

    /// <summary>Unshares one stretch. What is late may be another order, for which this one was not given: so it is given
    /// again, which changes nothing where it was carried out.</summary>
    private bool TryUnshare(PageNumber first)
    {
        for (var tries = 0; tries < MostUnshareTries; tries++)
        {
            long result;
            lock (_engine.Registry.Gate)
            {
                if (Region.IsRemoved)
                {
                    return true;
                }

                _engine.Registry.Patience.Renew();
                _engine.EnterLate(Region);
                result = Region.Orders.TryBreak(first, Math.Min(Shim.OrderPages, Pages - first.Value));
            }

            if (result != IRegionOrders.Late)
            {
                Shim.Require(result, "breaking", $"pages of guest '{Name}'");
                return true;
            }

            if (!Ring.Linger(MostUnshareLinger))
            {
                return false;
            }
        }

        return false;
    }

    private char KindOf(PageNumber page, bool isResident) => Region.Records.KindOf(page) switch
    {
        PageKind.Sharing => Region.Copies?.Contains(page) == true ? 'c' : 's',
        PageKind.Hashed => Region.Records.StablePassesOf(page) >= _stablePasses ? 'p' : 'v',
        PageKind.Zero when !isResident => 'z',
        _ => Region.Former?.IsShownBy(Region.Words.Read(page)) == true ? 's' : isResident ? 'v' : '-',
    };

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Region.IsRemoved, this);
}

/// <summary>The memory objects that a guest's process maps, for sending.</summary>
/// <param name="Backing">Its pages.</param>
/// <param name="Table">Its counters and page words.</param>
/// <param name="Ring">Its orders.</param>
/// <param name="Store">The domain's frames, read-only.</param>
internal readonly record struct GuestDescriptors(SafeHandle Backing, SafeHandle Table, SafeHandle Ring, SafeHandle Store);
