using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare;

/// <summary>
/// Finds equal pages in the memory of its guests, maps them to one physical page, and lets a guest have its own copy
/// again the moment it writes. What VMware ESX does as transparent page sharing (Waldspurger, "Memory Resource
/// Management in VMware ESX Server", OSDI 2002) and Linux as KSM, in user mode.
/// </summary>
/// <remarks>
/// <para>The first engine of a process installs a handler for SIGSEGV in front of the runtime's. It stays for the life
/// of the process and passes on what is not its own, so exceptions and crashes are what they were without it.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public sealed partial class PageShareEngine : IDisposable, IAsyncDisposable
{
    private readonly IPlatform _platform;
    private readonly Scanner _scanner;
    private readonly SnapshotBuilder _snapshots;
    private readonly EngineMeter _meter;
    private readonly List<Guest> _guests = []; // guard: the registry's gate
    private bool _isDisposed;                  // guard: the registry's gate

    private PageShareEngine(EngineOptions options, IPlatform platform, IPageHasher hasher, TimeProvider time)
    {
        Options = options;
        _platform = platform;
        Registry = new GuestRegistry(platform, new MappingBudget());
        _scanner = new Scanner(Registry, options, platform, hasher, time);
        _snapshots = new SnapshotBuilder(Registry, _scanner, platform, options.StablePasses, time);
        _meter = new EngineMeter(Snapshot, time);
    }

    /// <summary>The settings that it was started with.</summary>
    public EngineOptions Options { get; }

    /// <summary>The guests now, in order of creation.</summary>
    public IReadOnlyList<Guest> Guests
    {
        get
        {
            lock (Registry.Gate)
            {
                return [.. _guests];
            }
        }
    }

    /// <summary>Whether the background scanner rests.</summary>
    public bool IsPaused => _scanner.IsPaused;

    internal Scanner Scanner => _scanner;

    internal GuestRegistry Registry { get; }

    /// <summary>Starts an engine.</summary>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of range; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no PageShare for this system, or its page size is not
    /// 4096.</exception>
    /// <exception cref="PlatformException">The fault handler cannot be installed.</exception>
    public static PageShareEngine Start(EngineOptions? options = null) =>
        Start(options, HostPlatform.Create(), hasher: null, TimeProvider.System);

    /// <summary>As above, with parts that tests replace.</summary>
    internal static PageShareEngine Start(
        EngineOptions? options, IPlatform platform, IPageHasher? hasher, TimeProvider time)
    {
        options ??= new EngineOptions();
        options.Validate();
        if (Environment.SystemPageSize != PageSize.Bytes)
        {
            throw new PlatformNotSupportedException(
                $"PageShare works on pages of {PageSize.Bytes} bytes; this system's have {Environment.SystemPageSize}.");
        }

        Shim.Require(Shim.InstallHandler(), "installing", "the fault handler");

        // A secret seed, so that a guest cannot fill the index with pages that are made to collide.
        hasher ??= new XxHash3PageHasher(Random.Shared.NextInt64());
        var engine = new PageShareEngine(options, platform, hasher, time);
        if (options.BackgroundScanning)
        {
            engine._scanner.Start();
        }

        return engine;
    }

    /// <summary>Makes a guest: zeroed, page-aligned memory, with a page at either end that faults on every
    /// access.</summary>
    /// <param name="name">For people and snapshots; need not be unique.</param>
    /// <param name="sizeInBytes">A positive multiple of 4096, at most the machine's memory and swap space.</param>
    /// <param name="options">Domain, fault mode, room to grow; null for the engine's defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is none of that, or an option is out of
    /// range.</exception>
    /// <exception cref="PlatformException">The system lacks memory, mappings, address space or descriptors.</exception>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public Guest CreateGuest(string name, long sizeInBytes, GuestOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        options ??= new GuestOptions();
        options.Validate();
        SizeCheck.RequirePages(sizeInBytes, nameof(sizeInBytes));
        SizeCheck.RequireWithinMachine(sizeInBytes, _platform.MemoryAndSwapBytes, nameof(sizeInBytes));
        var maximum = options.MaximumBytes ?? DefaultMaximum(sizeInBytes);
        SizeCheck.RequireWithinMachine(maximum, _platform.MemoryAndSwapBytes, nameof(options));
        if (maximum < sizeInBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(options), maximum,
                $"{nameof(GuestOptions.MaximumBytes)} is less than the guest's size, {sizeInBytes} bytes.");
        }

        return Add(name, options, domain =>
            GuestRegion.Create(_platform, SpecOf(name, domain, sizeInBytes, maximum, options, isAdopted: false)));
    }

    /// <summary>
    /// Makes a guest of memory that exists: a page-aligned range of private anonymous memory, which others may go on
    /// using meanwhile. Disposing the guest gives it back with the bytes that it has then.
    /// </summary>
    /// <remarks>
    /// There are no guard pages around it. The range must not be unmapped, protected or remapped by anybody else while
    /// it is a guest.
    /// </remarks>
    /// <param name="pointer">First byte, page-aligned.</param>
    /// <param name="length">A positive multiple of 4096.</param>
    /// <param name="name">For people and snapshots; null for one made of the address.</param>
    /// <param name="options">Domain and fault mode; null for the engine's defaults.</param>
    /// <exception cref="ArgumentException">The range is not aligned, not all private anonymous, or a guest's
    /// already.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot do that: Windows.</exception>
    /// <exception cref="PlatformException">The system lacks memory, mappings or descriptors; the range is what it
    /// was.</exception>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public unsafe Guest Adopt(byte* pointer, long length, string? name = null, GuestOptions? options = null)
    {
        // SAFETY: until the region is made the range is only asked about, not touched; that it stays the caller's to lend is
        // the contract of this method.
        options ??= new GuestOptions();
        options.Validate();
        SizeCheck.RequirePages(length, nameof(length));

        if (_platform.WhyNoAdoption is { } reason)
        {
            throw new PlatformNotSupportedException(reason);
        }

        name ??= $"adopted-{(nint)pointer:x}";
        return Add(name, options, domain =>
        {
            // Under the lock, or two who adopt the same range would both find it free.
            if (!PageSize.IsAligned((long)pointer) || !_platform.IsPrivateAnonymous(pointer, length))
            {
                throw new ArgumentException(
                    $"[0x{(nint)pointer:x}, +{length}) is not page-aligned private anonymous memory that may be read and "
                    + "written. Adopt memory of mmap(MAP_PRIVATE | MAP_ANONYMOUS) or aligned_alloc of whole pages.",
                    nameof(pointer));
            }

            return GuestRegion.Adopt(
                _platform, SpecOf(name, domain, length, length, options, isAdopted: true), pointer);
        });
    }

    /// <summary>
    /// One full pass now, on the caller's thread, whether the machine is idle or not. The background scanner waits
    /// meanwhile.
    /// </summary>
    /// <param name="cancellationToken">Ends the pass early; the report says so, nothing is thrown.</param>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public PassReport ScanOnce(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return _scanner.RunPass(cancellationToken);
    }

    /// <summary>Has the background scanner rest, until <see cref="Resume()"/>. What is shared stays shared.</summary>
    public void Pause() => _scanner.IsPaused = true;

    /// <summary>Has the background scanner go on.</summary>
    public void Resume() => _scanner.IsPaused = false;

    /// <summary>
    /// Gives every page of every guest its own copy again. A scanner that isn't paused will share them again.
    /// </summary>
    /// <exception cref="PlatformException">No memory for the copies; what has none stays shared.</exception>
    public void UnshareAll()
    {
        foreach (var guest in Guests)
        {
            try
            {
                guest.Unshare();
            }
            catch (ObjectDisposedException)
            {
                // Disposed by another thread since it was listed: it shares nothing any more.
            }
        }

        foreach (var guest in IsolatedGuests)
        {
            guest.Unshare();
        }
    }

    /// <summary>All counters now, per guest, per domain and in all. Takes about a millisecond a GiB.</summary>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public EngineSnapshot Snapshot()
    {
        lock (Registry.Gate)
        {
            ThrowIfDisposed();
            return _snapshots.Build();
        }
    }

    /// <summary>Ends scanning and frees all guests.</summary>
    /// <exception cref="AggregateException">
    /// Some guests could not be freed, adopted ones that are pinned for instance. All others are; call it again for the
    /// rest.
    /// </exception>
    public void Dispose()
    {
        // First, so that nobody who collects metrics meets an engine that is half gone.
        _meter.Dispose();
        lock (Registry.Gate)
        {
            _isDisposed = true;
        }

        _scanner.Dispose();
        AbandonIsolated();
        var failures = new List<Exception>();
        foreach (var guest in Guests)
        {
            try
            {
                guest.Dispose();
            }
            catch (Exception failure) when (failure is IOException or InvalidOperationException)
            {
                failures.Add(failure);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // Waits for one stretch of pages at most.
        Dispose();
        return ValueTask.CompletedTask;
    }

    internal GuestSnapshot SnapshotOf(Guest guest)
    {
        lock (Registry.Gate)
        {
            ObjectDisposedException.ThrowIf(guest.Region.IsRemoved, guest);
            return _snapshots.Build(guest.Region);
        }
    }

    internal void Remove(Guest guest)
    {
        lock (Registry.Gate)
        {
            if (guest.Region.IsRemoved)
            {
                return;
            }

            if (guest.Region.Spec.IsAdopted)
            {
                var error = Shim.Disown(guest.Region.Handle);
                if (error == -Shim.ErrorBusy)
                {
                    throw new InvalidOperationException(
                        $"Guest '{guest.Name}' was adopted and is pinned: end its pins first.");
                }

                Shim.Require(error, "giving back", $"guest '{guest.Name}'");
            }

            _snapshots.Retire(guest.Region);
            _guests.Remove(guest);
            Registry.Remove(guest.Region);
        }
    }

    /// <summary>Address space is cheap, and a guest that can't grow is a surprise: twice the size, and a GiB at
    /// least.</summary>
    private long DefaultMaximum(long sizeInBytes) =>
        Math.Max(sizeInBytes, Math.Min(Math.Max(2 * sizeInBytes, 1L << 30), _platform.MemoryAndSwapBytes / PageSize.Bytes * PageSize.Bytes));

    private RegionSpec SpecOf(
        string name, ShareDomain domain, long bytes, long maximum, GuestOptions options, bool isAdopted) =>
        new(name, domain, bytes / PageSize.Bytes, maximum / PageSize.Bytes, options.FaultMode ?? Options.FaultMode,
            Options.BreakTimeout, Options.MaximumBreakPages, isAdopted, Registry.OwnBudget, _scanner.TracksWrites);

    private Guest Add(string name, GuestOptions options, Func<ShareDomain, GuestRegion> make)
    {
        lock (Registry.Gate)
        {
            ThrowIfDisposed();
            if (Options.CountBreaksAtOnce && (options.FaultMode ?? Options.FaultMode) == FaultMode.Kernel)
            {
                _scanner.KernelBreaks.Watch();
            }

            var domain = options.Domain ?? (Options.DomainPerGuest ? $"{name}#{++_domainSerial}" : Options.DefaultDomain);
            var region = Registry.Add(domain, make);
            region.IsSharing = options.Sharing;
            var guest = new Guest(this, region);
            _guests.Add(guest);
            return guest;
        }
    }

    // Names need not be unique, but domains of their own must be. Guard: the registry's gate.
    private long _domainSerial;

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);
}
