using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>What a host gives a guest, mapped and nothing more: no region, no handler, no agent.</summary>
internal sealed unsafe class RawGuest : IDisposable
{
    private readonly HostClient _client;
    private readonly Frame _frame;

    // SAFETY: each view is as large as its object, which is sealed against shrinking, and is never unmapped.

    private RawGuest(HostClient client, Frame frame)
    {
        _client = client;
        _frame = frame;
        Answer = frame.Read<AllocatedAnswer>();
        TableBytes = PageTableMemory.BytesFor(Answer.MaximumPages);
        RingBytes = (long)RingNative.Bytes((ulong)Answer.MaximumPages);
        Pages = Kernel.Map(Backing, Answer.MaximumPages * PageContent.Bytes, PlainMemory.ProtectReadWrite);
        TableView = Kernel.Map(Table, TableBytes, PlainMemory.ProtectReadWrite);
        RingView = Kernel.Map(Ring, RingBytes, PlainMemory.ProtectReadWrite);
    }

    public HostClient Client => _client;

    public AllocatedAnswer Answer { get; }

    public SafeFileHandle Backing => _frame.Descriptors[0];

    public SafeFileHandle Table => _frame.Descriptors[1];

    public SafeFileHandle Ring => _frame.Descriptors[2];

    public SafeFileHandle Store => _frame.Descriptors[3];

    public byte* Pages { get; }

    public byte* TableView { get; }

    public byte* RingView { get; }

    public long TableBytes { get; }

    public long RingBytes { get; }

    /// <summary>The page words.</summary>
    public ulong* Words => (ulong*)(TableView + PageTableMemory.HeaderBytes);

    public RingHeader* Header => (RingHeader*)RingView;

    public RingOrder* Slots => (RingOrder*)(RingView + sizeof(RingHeader));

    /// <summary>Connects and allocates.</summary>
    public static RawGuest Allocate(string socket, string name, int pages, string? domain, FaultMode? mode)
    {
        var client = HostClient.Connect(socket, "hostile");
        var bytes = (long)pages * PageContent.Bytes;
        return new RawGuest(client, client.Request(
            MessageKind.Allocate, new AllocateRequest(name, bytes, bytes, domain, mode), MessageKind.Allocated));
    }

    /// <summary>Says that there is an agent, and that it could merge.</summary>
    public void Attach()
    {
        Header->AgentState = 1;
        Header->HandlerInstalled = 1;
        Header->MappingsLimit = 65530;
        _client.Request(MessageKind.Attached, new GuestRequest(Answer.GuestId));
    }

    /// <summary>Writes what the honest guests of the tests hold, so that it is offered their frames.</summary>
    public void FillAsOthers(int shift)
    {
        for (var page = 0; page < Answer.Pages; page++)
        {
            PageContent.Unique((1L << 24) + ((page + shift) % Answer.Pages) + (1L << 24)).WriteTo(
                new Span<byte>(Pages + ((long)page * PageContent.Bytes), PageContent.Bytes));
        }
    }

    public void Dispose()
    {
        _frame.Dispose();
        _client.Dispose();
    }
}
