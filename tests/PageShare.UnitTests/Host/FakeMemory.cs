using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Host.Guests;
using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare.UnitTests.Host;

/// <summary>A guest's memory that only notes what is done with it.</summary>
internal sealed class FakeMemory(long size) : IGuestMemory
{
    private readonly MemoryObject _backing = HostPlatform.Create().CreateMemoryObject("pageshare-fake", 4096);
    private int _disposals;

    /// <summary>What was called, in order.</summary>
    public List<string> Calls { get; } = [];

    public int Disposals => Volatile.Read(ref _disposals);

    /// <summary>Called by Dispose, to fail in it.</summary>
    public Action OnDispose { get; init; } = static () => { };

    public string Domain => "1001/default";

    public FaultMode FaultMode => FaultMode.Signal;

    public long Pages { get; private set; } = size;

    public long MaximumPages { get; } = 2 * size;

    public long StoreBytes => 1 << 20;

    public bool TrackWrites => true;

    public TimeSpan BreakTimeout => TimeSpan.FromSeconds(1);

    public int BreakPages => 16;

    public bool Sharing { get; set; } = true;

    public IsolatedState State { get; set; } = IsolatedState.Attached;

    public string? WhyDistrusted => null;

    public long PagesToMove => 0;

    public SafeHandle Backing => _backing;

    public SafeHandle Table => _backing;

    public SafeHandle Ring => _backing;

    public SafeHandle Store => _backing;

    public IReadOnlyList<(int Generation, SafeHandle Store)> Stores => [(0, _backing)];

    public void Attach() => Calls.Add("attach");

    public void Detach() => Calls.Add("detach");

    public void Grow(long pages)
    {
        Calls.Add("grow");
        Pages = pages;
    }

    public bool Unshare() => true;

    public GuestSnapshot Snapshot() => throw new NotSupportedException();

    public int ReadKinds(long firstPage, Span<char> kinds) => 0;

    public void Dispose()
    {
        Interlocked.Increment(ref _disposals);
        _backing.Dispose();
        OnDispose();
    }
}

/// <summary>A connection that is not there, of a process that is.</summary>
internal sealed class FakeHolder(System.Diagnostics.Process process, PageShare.Host.Access.UserAccount account)
    : IGuestHolder
{
    public int ProcessId => process.Id;

    public PageShare.Host.Access.UserRights Rights { get; init; } =
        new(1001, IsOperator: false, MostBytes: 0, MostGuests: 0, Domains: null);

    public PageShare.Host.Access.UserAccount Account => account;

    public bool HasHungUp { get; set; }

    public bool IsClosed { get; private set; }

    public SafeFileHandle? OpenProcess()
    {
        var pidfd = PageShare.Platform.Linux.Libc.PidfdOpen(process.Id);
        return pidfd < 0 ? null : new SafeFileHandle(pidfd, ownsHandle: true);
    }

    public void Close() => IsClosed = true;
}
