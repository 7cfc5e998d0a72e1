using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>A guest as a test host has it: memory objects, and a ring to post orders to.</summary>
internal sealed unsafe class TestHostGuest : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly MemoryObject _ring;
    private readonly RingHandle _orders;
    private readonly PageTableMemory _table;
    private readonly MemoryObject _backing;

    private TestHostGuest(
        IPlatform platform,
        long id,
        string name,
        long maximumPages,
        MemoryObject backing,
        PageTableMemory table,
        TestStore store)
    {
        Id = id;
        Name = name;
        MaximumPages = maximumPages;
        Store = store;
        _backing = backing;
        _table = table;
        _ring = platform.BetweenProcesses!.CreateSealed($"{name}-ring", RingHandle.BytesFor(maximumPages));
        _orders = RingHandle.Create(
            platform.Map(_ring, RingHandle.BytesFor(maximumPages), writable: true), maximumPages);
    }

    public long Id { get; }

    public string Name { get; }

    public long MaximumPages { get; }

    public TestStore Store { get; }

    public long Pages { get; set; }

    public bool IsSharing { get; set; } = true;

    public bool IsAttached { get; set; }

    public SafeHandle[] Descriptors => [_backing, _table.Memory, _ring, Store.Reader];

    public SafeHandle[] NewDescriptors => [_ring, Store.Reader];

    public static TestHostGuest Create(
        IPlatform platform, long id, AllocateRequest request, TestStore store, string prefix)
    {
        var pages = request.Bytes / PageSize.Bytes;
        var maximum = (request.MaximumBytes ?? (2 * request.Bytes)) / PageSize.Bytes;
        var sharing = platform.BetweenProcesses!;
        var backing = sharing.CreateSealed($"{prefix}{request.Name}-backing", maximum * PageSize.Bytes);
        var table = new PageTableMemory(
            platform,
            sharing.CreateSealed($"{prefix}{request.Name}-table", PageTableMemory.BytesFor(maximum)),
            maximum);
        return new TestHostGuest(platform, id, prefix + request.Name, maximum, backing, table, store)
        {
            Pages = pages,
            IsSharing = request.Sharing,
        };
    }

    public static TestHostGuest TakeOver(
        IPlatform platform, long id, ResumeRequest request, Frame frame, TestStore store, string prefix)
    {
        var sharing = platform.BetweenProcesses!;
        var backing = sharing.Accept(
            frame.Descriptors[0], "backing", request.MaximumPages * PageSize.Bytes, isWritten: true);
        var table = new PageTableMemory(
            platform,
            sharing.Accept(
                frame.Descriptors[1], "table", PageTableMemory.BytesFor(request.MaximumPages), isWritten: true),
            request.MaximumPages);
        return new TestHostGuest(platform, id, prefix + request.Name, request.MaximumPages, backing, table, store)
        {
            Pages = request.Pages,
            IsSharing = request.Sharing,
        };
    }

    public PageWord WordOf(long page) => _table.Words.Read(new PageNumber(page));

    /// <summary>Has the guest share pages with new frames of this content; what came of each.</summary>
    public MergeResult[] Merge(long page, params PageContent[] contents) =>
        Order(OrderKind.Merge, page, [.. contents.Select(Store.Add)]);

    /// <summary>Has the guest share a page with a frame that is there.</summary>
    public MergeResult Merge(long page, uint frame) => Order(OrderKind.Merge, page, [frame])[0];

    /// <summary>Copies what a page holds now to a new frame.</summary>
    public uint CopyToStore(long page)
    {
        var bytes = stackalloc byte[PageSize.Bytes];
        Assert.Equal(PageSize.Bytes, _backing.Read(page * PageSize.Bytes, bytes, PageSize.Bytes));
        return Store.Add(new ReadOnlySpan<byte>(bytes, PageSize.Bytes));
    }

    /// <summary>Has the guest move a page of a former store to this one.</summary>
    public MergeResult Move(long page, PageContent content) => Order(OrderKind.Move, page, [Store.Add(content)])[0];

    public void Dispose()
    {
        _orders.Dispose();
        _ring.Dispose();
        _table.Dispose();
        _backing.Dispose();
    }

    private MergeResult[] Order(OrderKind kind, long page, uint[] targets)
    {
        var slot = RingNative.Next(_orders);
        Assert.True(slot != null, "the ring is full");
        slot->Kind = kind;
        slot->Page = (ulong)page;
        slot->Count = (uint)targets.Length;
        for (var i = 0; i < targets.Length; i++)
        {
            slot->Targets[i] = targets[i];
        }

        var sequence = RingNative.Post(_orders);
        Assert.Equal(0, RingNative.Await(_orders, sequence, (ulong)Patience.TotalNanoseconds));
        var answer = RingNative.Answer(_orders, sequence);
        Assert.Equal(0, answer->Result);
        var results = new MergeResult[targets.Length];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = (MergeResult)answer->Results[i];
        }

        return results;
    }
}
