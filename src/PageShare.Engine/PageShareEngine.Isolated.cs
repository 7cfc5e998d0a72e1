using PageShare.Memory;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare;

/// <content>Guests in processes of their own, for the host.</content>
public sealed partial class PageShareEngine
{
    private readonly List<IsolatedGuest> _isolated = []; // guard: the registry's gate

    /// <summary>The guests in processes of their own, in order of creation.</summary>
    internal IReadOnlyList<IsolatedGuest> IsolatedGuests
    {
        get
        {
            lock (Registry.Gate)
            {
                return [.. _isolated];
            }
        }
    }

    /// <summary>Makes the memory of a guest in another process; <see cref="IsolatedGuest.Attach"/> once that process
    /// has mapped it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is no positive multiple of 4096, or too large.</exception>
    /// <exception cref="InvalidOperationException">The domain is full.</exception>
    /// <exception cref="PlatformException">The system lacks memory, address space or descriptors.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot share memory between processes.</exception>
    internal IsolatedGuest CreateIsolated(IsolatedSpec spec)
    {
        Check(spec);
        return Add(spec, domain =>
        {
            var memory = IsolatedMemory.Create(BetweenProcesses, spec.Name, PageSize.PagesIn(spec.MaximumBytes));
            try
            {
                return GuestRegion.OfProcess(_platform, SpecOf(spec, domain), memory, Registry.Patience);
            }
            catch
            {
                memory.Dispose();
                throw;
            }
        });
    }

    /// <summary>
    /// Takes a guest over from a host that is gone. Its pages are moved from that one's stores to this one's as passes
    /// come to them.
    /// </summary>
    /// <param name="spec">What the guest has handed over; its descriptors are closed also if this throws.</param>
    /// <inheritdoc cref="CreateIsolated"/>
    /// <exception cref="UntrustedMemoryException">What was handed over is not what it must be.</exception>
    internal IsolatedGuest ResumeIsolated(ResumeSpec spec)
    {
        try
        {
            Check(spec);
            if (spec.NextGeneration is < 1 or > PageWord.MaximumGeneration)
            {
                throw new UntrustedMemoryException($"A store of generation {spec.NextGeneration} cannot be.");
            }

            return Add(spec, domain => Resume(spec, domain));
        }
        finally
        {
            spec.CloseDescriptors();
        }
    }

    internal GuestSnapshot SnapshotOf(GuestRegion region)
    {
        lock (Registry.Gate)
        {
            ObjectDisposedException.ThrowIf(region.IsRemoved, typeof(IsolatedGuest));
            return _snapshots.Build(region);
        }
    }

    /// <summary>Enters what a guest's agent has answered late. Guard: the registry's gate.</summary>
    internal void EnterLate(GuestRegion region) => _scanner.EnterLate(region);

    internal void Remove(IsolatedGuest guest)
    {
        lock (Registry.Gate)
        {
            if (guest.Region.IsRemoved)
            {
                return;
            }

            guest.Region.Ring!.IsAttached = false; // nobody is there to be asked any more
            _snapshots.Retire(guest.Region);
            _isolated.Remove(guest);
            Registry.Remove(guest.Region);
        }
    }

    private IProcessSharing BetweenProcesses => _platform.BetweenProcesses
        ?? throw new PlatformNotSupportedException("Guests can have processes of their own on Linux only.");

    private void Check(IsolatedSpec spec)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(spec.Name);
        ArgumentException.ThrowIfNullOrWhiteSpace(spec.Domain);
        SizeCheck.RequirePages(spec.Bytes, nameof(spec.Bytes));
        SizeCheck.RequirePages(spec.MaximumBytes, nameof(spec.MaximumBytes));
        SizeCheck.RequireWithinMachine(spec.MaximumBytes, _platform.MemoryAndSwapBytes, nameof(spec.MaximumBytes));
        OptionRange.Require(
            spec.Bytes <= spec.MaximumBytes, spec.Bytes, $"at most {spec.MaximumBytes} bytes", nameof(spec.Bytes));
        OptionRange.Require(
            spec.FaultMode is null || Enum.IsDefined(spec.FaultMode.Value), spec.FaultMode, "Signal or Kernel",
            nameof(spec.FaultMode));
    }

    private RegionSpec SpecOf(IsolatedSpec spec, ShareDomain domain) => new(
        spec.Name, domain, PageSize.PagesIn(spec.Bytes), PageSize.PagesIn(spec.MaximumBytes),
        spec.FaultMode ?? Options.FaultMode, Options.BreakTimeout, Options.MaximumBreakPages, IsAdopted: false,
        Registry.BudgetOf(spec.ProcessId, Options.MappingBudget ?? 0), Options.TrackWrites);

    private GuestRegion Resume(ResumeSpec spec, ShareDomain domain)
    {
        var pages = PageSize.PagesIn(spec.MaximumBytes);
        var former = new FormerStores(spec.NextGeneration);
        IsolatedMemory? memory = null;
        MemoryObject? backing = null;
        MemoryObject? table = null;
        try
        {
            foreach (var (generation, store) in spec.Stores)
            {
                if (generation < 0 || generation >= spec.NextGeneration)
                {
                    throw new UntrustedMemoryException($"A former store of generation {generation} cannot be.");
                }

                former.Add(generation, BetweenProcesses.Accept(store, "former store", bytes: null, isWritten: false));
            }

            backing = BetweenProcesses.Accept(spec.Backing, "backing", spec.MaximumBytes, isWritten: true);
            table = BetweenProcesses.Accept(spec.Table, "page table", PageTableMemory.BytesFor(pages), isWritten: true);
            memory = IsolatedMemory.Resume(BetweenProcesses, spec.Name, backing, table, pages);
            var region = GuestRegion.OfProcess(_platform, SpecOf(spec, domain), memory, Registry.Patience, former);
            TakeOver(region, former);
            return region;
        }
        catch
        {
            memory?.Dispose();
            backing?.Dispose();
            table?.Dispose();
            former.Dispose();
            throw;
        }
    }

    /// <summary>Notes what page words say: which pages are holes, and how many show former stores.</summary>
    private static void TakeOver(GuestRegion region, FormerStores former)
    {
        for (var page = new PageNumber(0); page.Value < region.Pages; page++)
        {
            var word = region.Words.Read(page);
            former.PagesToMove += former.IsShownBy(word) ? 1 : 0;
            if (word.State == PageState.Zero)
            {
                region.Records.SetZero(page);
            }
        }
    }

    private IsolatedGuest Add(IsolatedSpec spec, Func<ShareDomain, GuestRegion> make)
    {
        lock (Registry.Gate)
        {
            ThrowIfDisposed();
            var region = Registry.Add(spec.Domain, make);
            region.IsSharing = spec.Sharing;
            var guest = new IsolatedGuest(this, region, spec.ProcessId);
            _isolated.Add(guest);
            return guest;
        }
    }

    /// <summary>The engine ends, and guests in other processes go on: nothing that they show is given back.</summary>
    private void AbandonIsolated()
    {
        lock (Registry.Gate)
        {
            Registry.Abandon();
            _isolated.Clear();
        }
    }
}
