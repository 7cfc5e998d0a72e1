using PageShare.Platform;

namespace PageShare.TestKit;

/// <summary>This machine's platform, whose memory objects can be made to run short, and watched. Thread-safe.</summary>
internal sealed unsafe class ShortPlatform : IPlatform
{
    private readonly IPlatform _whole = HostPlatform.Create();

    /// <summary>Whether writes into memory objects find no memory.</summary>
    public bool HasNoMemoryToWrite { get; set; }

    /// <summary>Whether memory objects cannot grow.</summary>
    public bool CannotGrow { get; set; }

    /// <summary>Whether the system refuses to take memory back.</summary>
    public bool CannotPunch { get; set; }

    /// <summary>Whether the system does not tell which pages have memory.</summary>
    public bool CannotTellResidency { get; set; }

    /// <summary>Whether no more objects can be made.</summary>
    public bool HasNoDescriptors { get; set; }

    /// <summary>Told of each step of its objects, on the thread that takes it, which may be held there.</summary>
    public Action<MemoryStep>? Watcher { get; set; }

    /// <summary>How often the system has refused to tell.</summary>
    public int Refusals { get; private set; }

    public string SealKind => _whole.SealKind;

    public string CopyCounting => _whole.CopyCounting;

    public string? WhyNoAdoption => _whole.WhyNoAdoption;

    public IProcessSharing? BetweenProcesses => _whole.BetweenProcesses;

    public ILoadSource LoadSource => _whole.LoadSource;

    public int MappingLimit => _whole.MappingLimit;

    public long MemoryBytes => _whole.MemoryBytes;

    public long MemoryAndSwapBytes => _whole.MemoryAndSwapBytes;

    public bool MapsSharedPagesSingly(FaultMode mode) => _whole.MapsSharedPagesSingly(mode);

    public bool ReplacesMappingsAtomically => _whole.ReplacesMappingsAtomically;

    public int CountMappings() => _whole.CountMappings();

    public MemoryObject CreateMemoryObject(string name, long bytes, long? maximumBytes = null) => HasNoDescriptors
        ? throw new PlatformException("memfd_create", name, 24)
        : new ShortMemory(this, _whole.CreateMemoryObject(name, bytes, maximumBytes));

    public MappedMemory Map(MemoryObject memory, long bytes, bool writable) =>
        _whole.Map(memory is ShortMemory own ? own.Whole : memory, bytes, writable);

    public MappedMemory Reserve(long bytes) => _whole.Reserve(bytes);

    public MappedMemory Allocate(long bytes, bool isDense) => _whole.Allocate(bytes, isDense);

    // SAFETY: passed on as they come.
    public void QueryResidency(RegionHandle? region, byte* view, long firstPage, byte[] resident, int pages)
    {
        if (CannotTellResidency)
        {
            Refusals++;
            throw new PlatformException("mincore", $"{pages} pages", 12);
        }

        _whole.QueryResidency(region, view, firstPage, resident, pages);
    }

    public bool IsPrivateAnonymous(byte* address, long bytes) => _whole.IsPrivateAnonymous(address, bytes);

    private sealed class ShortMemory : MemoryObject
    {
        private readonly ShortPlatform _platform;
        private readonly MemoryObject _whole;

        // SAFETY: as the whole one's.
        public override byte* WritableView => _whole.WritableView;

        public MemoryObject Whole => _whole;

        public ShortMemory(ShortPlatform platform, MemoryObject whole)
        {
            _platform = platform;
            _whole = whole;
            SetHandle(whole.Descriptor);
        }

        public override void BelongTo(RegionHandle region) => _whole.BelongTo(region);

        public override long AllocatedBytes => _whole.AllocatedBytes;

        public override void Grow(long bytes)
        {
            if (_platform.CannotGrow)
            {
                throw new PlatformException("ftruncate", $"{bytes} bytes", 12);
            }

            _whole.Grow(bytes);
        }

        public override MemoryObject OpenReadOnly() => new ShortMemory(_platform, _whole.OpenReadOnly());

        public override bool TryWrite(long offset, byte* source, long bytes)
        {
            _platform.Watcher?.Invoke(MemoryStep.BeforeWrite);
            var isWritten = !_platform.HasNoMemoryToWrite && _whole.TryWrite(offset, source, bytes);
            _platform.Watcher?.Invoke(MemoryStep.AfterWrite);
            return isWritten;
        }

        public override int Read(long offset, byte* into, int bytes) => _whole.Read(offset, into, bytes);

        public override bool TryFindData(long offset, out long start, out long end) =>
            _whole.TryFindData(offset, out start, out end);

        public override void Punch(long offset, long bytes)
        {
            if (_platform.CannotPunch)
            {
                throw new PlatformException("fallocate(PUNCH_HOLE)", $"{bytes} bytes", 12);
            }

            _platform.Watcher?.Invoke(MemoryStep.BeforePunch);
            _whole.Punch(offset, bytes);
            _platform.Watcher?.Invoke(MemoryStep.AfterPunch);
        }

        protected override bool ReleaseHandle()
        {
            _whole.Dispose();
            return true;
        }
    }
}
