using System.Runtime.InteropServices;
using PageShare.Metrics;

namespace PageShare.Host.Guests;

/// <summary>The engine as the maker of guests' memory.</summary>
internal sealed class EngineMemories(PageShareEngine engine) : IGuestMemories
{
    public EngineOptions Options => engine.Options;

    public IGuestMemory Create(IsolatedSpec spec) => new EngineMemory(engine.CreateIsolated(spec));

    public IGuestMemory Resume(ResumeSpec spec) => new EngineMemory(engine.ResumeIsolated(spec));

    public EngineSnapshot Snapshot() => engine.Snapshot();

    private sealed class EngineMemory(IsolatedGuest guest) : IGuestMemory
    {
        public string Domain => guest.Domain;

        public FaultMode FaultMode => guest.FaultMode;

        public long Pages => guest.Pages;

        public long MaximumPages => guest.MaximumPages;

        public long StoreBytes => guest.StoreBytes;

        public bool TrackWrites => guest.TrackWrites;

        public TimeSpan BreakTimeout => guest.BreakTimeout;

        public int BreakPages => guest.BreakPages;

        public bool Sharing
        {
            get => guest.Sharing;
            set => guest.Sharing = value;
        }

        public IsolatedState State => guest.State;

        public string? WhyDistrusted => guest.WhyDistrusted;

        public long PagesToMove => guest.PagesToMove;

        public SafeHandle Backing => guest.Descriptors.Backing;

        public SafeHandle Table => guest.Descriptors.Table;

        public SafeHandle Ring => guest.Descriptors.Ring;

        public SafeHandle Store => guest.Descriptors.Store;

        public IReadOnlyList<(int Generation, SafeHandle Store)> Stores => guest.Stores;

        public void Attach() => guest.Attach();

        public void Detach() => guest.Detach();

        public void Grow(long pages) => guest.Grow(pages);

        public bool Unshare() => guest.Unshare();

        public GuestSnapshot Snapshot() => guest.Snapshot();

        public int ReadKinds(long firstPage, Span<char> kinds) => guest.ReadKinds(firstPage, kinds);

        public void Dispose() => guest.Dispose();
    }
}
