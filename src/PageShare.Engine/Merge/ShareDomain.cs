using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// A share domain (ESX's salt): the guests that may read each other's shared pages, their frame store, and the index of
/// their contents. Nothing is ever shared between two domains.
/// </summary>
/// <remarks>
/// Every page of the domain has an id, unique at any one time: regions take ranges of a 32-bit space. A range of a
/// region that is gone may be taken again; hints that still name the old page are then told apart by their hash, or by
/// the comparison at the latest. Guard: the engine's lock.
/// </remarks>
internal sealed class ShareDomain : IContentSource, IDisposable
{
    private readonly List<GuestRegion> _regions = []; // by FirstPageId, ascending

    /// <summary>Makes an empty domain.</summary>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public ShareDomain(IPlatform platform, string name)
    {
        Name = name;
        Store = new FrameStore(platform, name, platform.MemoryAndSwapBytes);
        Index = new ContentIndex(this);
    }

    /// <summary>The domain's name.</summary>
    public string Name { get; }

    /// <summary>Its frames.</summary>
    public FrameStore Store { get; }

    /// <summary>How many pages use each frame.</summary>
    public FrameTable Frames { get; } = new();

    /// <summary>Finds contents by hash.</summary>
    public ContentIndex Index { get; }

    /// <summary>The guests' regions, by page id.</summary>
    public IReadOnlyList<GuestRegion> Regions => _regions;

    /// <summary>Regions whose mappings may show frames: those in <see cref="Regions"/>, and those that pins
    /// keep.</summary>
    public int Tenants { get; set; }

    /// <summary>
    /// Whether a page that has no equal may have a frame (see <see cref="Bridges"/>): as long as no process but this one
    /// can read the store.
    /// </summary>
    public bool MayBridge { get; private set; } = true;

    /// <summary>Whether any page ever had.</summary>
    public bool HasBridges { get; set; }

    /// <summary>Frames given back so far.</summary>
    public long FramesFreed { get; private set; }

    /// <summary>Bytes of bookkeeping that belong to no single guest.</summary>
    public long MetadataBytes => Index.Bytes + Frames.Bytes + Store.MetadataBytes;

    /// <summary>Takes a region in and gives its pages their ids.</summary>
    /// <exception cref="InvalidOperationException">
    /// The domain has no ids left: 16 TiB of guests. Or the region is another process's, and the store may hold pages that
    /// are nobody's but their guest's.
    /// </exception>
    public void Add(GuestRegion region)
    {
        if (region.Ring is not null)
        {
            MayBridge = false;
            if (HasBridges)
            {
                throw new InvalidOperationException(
                    $"Share domain '{Name}' has guests of this process with pages that others must not read. Give guests "
                    + "with processes of their own another domain.");
            }
        }

        var first = 0L;
        var place = 0;
        while (place < _regions.Count && _regions[place].FirstPageId - first < region.Spec.MaximumPages)
        {
            first = _regions[place].FirstPageId + _regions[place].Spec.MaximumPages;
            place++;
        }

        if (first + region.Spec.MaximumPages > uint.MaxValue)
        {
            throw new InvalidOperationException(
                $"Share domain '{Name}' is full: its guests may grow to 16 TiB in all. Use another domain, or a smaller "
                + $"{nameof(GuestOptions.MaximumBytes)}.");
        }

        region.FirstPageId = (uint)first;
        _regions.Insert(place, region);
    }

    /// <summary>Takes a region out whose pages use no frame any more.</summary>
    public void Remove(GuestRegion region) => _regions.Remove(region);

    /// <summary>The id of a page.</summary>
    public static uint IdOf(GuestRegion region, PageNumber page) => region.FirstPageId + (uint)page.Value;

    /// <summary>The page with this id; false when there is none, or none any more.</summary>
    public bool TryResolve(uint id, out GuestRegion region, out PageNumber page)
    {
        var low = 0;
        var high = _regions.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            region = _regions[middle];
            if (id < region.FirstPageId)
            {
                high = middle - 1;
            }
            else if (id - region.FirstPageId >= region.Pages)
            {
                low = middle + 1;
            }
            else
            {
                page = new PageNumber(id - region.FirstPageId);
                return true;
            }
        }

        region = null!;
        page = default;
        return false;
    }

    /// <inheritdoc/>
    public bool TryGetHash(ContentRef reference, out uint hash)
    {
        if (reference.IsFrame)
        {
            return Frames.TryGetHash(reference.Frame, out hash);
        }

        hash = 0;
        return TryResolve(reference.Id, out var region, out var page) && region.Records.TryGetHash(page, out hash);
    }

    /// <inheritdoc/>
    public long CountContents() =>
        Frames.LiveFrames + _regions.Sum(static region => region.Backing.AllocatedBytes / PageSize.Bytes);

    /// <summary>
    /// Makes the index name another place with a content. Nothing finds the page of a hint any more then but a look at
    /// itself, which it is to have.
    /// </summary>
    public void Supersede(uint hash, ContentRef former, ContentRef by)
    {
        Index.Replace(hash, former, by);
        if (!former.IsFrame && TryResolve(former.Id, out var region, out var page))
        {
            region.Written.MarkUnsettled(page);
        }
    }

    /// <summary>A page of which the page table says that it uses the frame no more: the last one frees it.</summary>
    public void Release(FrameNumber frame)
    {
        var hash = Frames.HashOf(frame);
        if (Frames.RemoveUser(frame) == 0 && !Frames.IsLive(frame))
        {
            Free(frame, hash);
        }
    }

    /// <summary>Ends the creation of a frame; one that found no user is freed.</summary>
    public void FinishCreation(FrameNumber frame)
    {
        var hash = Frames.HashOf(frame);
        if (Frames.FinishCreation(frame) == 0)
        {
            Free(frame, hash);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Index.Dispose();
        Frames.Dispose();
        Store.Dispose();
    }

    private void Free(FrameNumber frame, uint hash)
    {
        Index.Remove(hash, ContentRef.Of(frame));
        Store.Free(frame, 1);
        FramesFreed++;
    }
}
