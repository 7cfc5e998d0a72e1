using System.Globalization;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using PageShare.PageTable;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>
/// Comes as a guest of a host that never was, and hands over what is no memory, or not its own: backing, page table and
/// stores of every wrong kind.
/// </summary>
internal sealed unsafe class ForgedResumes(string socket, RawGuest guest)
{
    private const int Pages = 64;
    private const int AddSeals = 1033;
    private const int AllSeals = 7; // seal, shrink, grow
    private const uint Sealable = 2;
    private const uint HugePages = 4;

    private readonly List<string> _accepted = [];
    private readonly List<string> _refused = [];

    private static long BackingBytes => Pages * PageContent.Bytes;

    private static long TableBytes => PageTableMemory.BytesFor(Pages);

    /// <summary>Tries all.</summary>
    /// <returns>What was accepted though it must not be; and how often the host refused.</returns>
    public string TryAll()
    {
        TryStrangeThings();
        TryWrongMemory();
        TryWrongNumbers();
        return string.Create(
            CultureInfo.InvariantCulture, $"accepted: {string.Join(", ", _accepted)}; refused {_refused.Count}");
    }

    /// <summary>What a host may take: memory of the right size and seals, with lies in it.</summary>
    /// <param name="name">The guest's name.</param>
    /// <param name="random">Lies.</param>
    /// <param name="guest">Whose connection and domain.</param>
    /// <returns>The guest's number; its agent never answers.</returns>
    public static string WithLies(string name, Random random, RawGuest guest)
    {
        using var backing = Memory(BackingBytes);
        using var table = Memory(TableBytes);
        using var store = Memory(BackingBytes);
        var words = (ulong*)(Kernel.Map(table, TableBytes, PlainMemory.ProtectReadWrite) + PageTableMemory.HeaderBytes);

        // SAFETY: the table has a word for each page.
        for (var page = 0; page < Pages; page++)
        {
            words[page] = ((ulong)random.Next(16) << 60) | ((ulong)random.Next(3) << 33) | (uint)random.Next(200);
        }

        _ = Kernel.Allocate(Kernel.Number(backing), 0, 0, (nint)BackingBytes);
        var request = Request(name) with { StoreGenerations = [0], Domain = guest.Answer.Domain, NextGeneration = 2 };
        using var answer = guest.Client.Request(
            MessageKind.Resume, request, MessageKind.Resumed, backing, table, store);
        var id = answer.Read<ResumedAnswer>().GuestId;
        guest.Client.Request(MessageKind.Attached, new GuestRequest(id));
        return id.ToString(CultureInfo.InvariantCulture);
    }

    private void TryStrangeThings()
    {
        using var backing = Memory(BackingBytes);
        using var table = Memory(TableBytes);
        var ends = stackalloc int[2];
        ProbeFailedException.ThrowIf(Kernel.Pipe(ends) != 0, "pipe failed");
        using var pipe = new SafeFileHandle(ends[0], ownsHandle: true);
        using var otherEnd = new SafeFileHandle(ends[1], ownsHandle: true);
        using var unconnected = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var socketHandle = new SafeFileHandle(unconnected.Handle, ownsHandle: false);
        using var zero = Open("/dev/zero", 2);
        using var nothing = Open("/dev/null", 2);
        using var folder = Open("/", 0x200000);
        using var file = Open(Path.GetTempPath(), 0x410000 | 2); // O_TMPFILE
        if (!file.IsInvalid)
        {
            _ = Kernel.Truncate(Kernel.Number(file), (nint)BackingBytes);
        }

        foreach (var (name, strange) in new[]
        {
            ("pipe", pipe), ("pipe's other end", otherEnd), ("socket", socketHandle), ("/dev/zero", zero),
            ("/dev/null", nothing), ("O_PATH folder", folder), ("file", file), ("the domain's store", guest.Store),
        })
        {
            if (strange.IsInvalid)
            {
                continue;
            }

            Try($"{name} as backing", strange, table);
            Try($"{name} as table", backing, strange);
            if (name != "the domain's store")
            {
                Try($"{name} as store", backing, table, strange);
            }
        }
    }

    private void TryWrongMemory()
    {
        using var backing = Memory(BackingBytes);
        using var table = Memory(TableBytes);
        using var unsealed = Memory(BackingBytes, seals: 0);
        using var unsealedTable = Memory(TableBytes, seals: 0);
        using var unwritable = Memory(BackingBytes, seals: AllSeals | 8);
        using var small = Memory(BackingBytes - PageContent.Bytes);
        using var large = Memory(BackingBytes + PageContent.Bytes);
        using var huge = Memory(2 << 20, flags: Sealable | HugePages);
        using var readOnly = Open(
            string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{Kernel.Number(backing)}"), 0);
        Try("unsealed backing", unsealed, table);
        Try("unsealed table", backing, unsealedTable);
        Try("backing sealed against writing", unwritable, table);
        Try("backing that is too small", small, table);
        Try("backing that is too large", large, table);
        Try("read-only backing", readOnly, table);
        Try("table that is too small", backing, small);
        Try("store that can be shrunk", backing, table, unsealed);
        if (!huge.IsInvalid)
        {
            Try("huge pages as backing", huge, table);
            Try("huge pages as store", backing, table, huge);
        }

        Try("one memory as both", backing, backing);
        Try("its own live guest's memory", guest.Backing, guest.Table, pages: guest.Answer.MaximumPages);
    }

    private void TryWrongNumbers()
    {
        using var backing = Memory(BackingBytes);
        using var table = Memory(TableBytes);
        using var store = Memory(BackingBytes);
        var good = Request("wrong");
        Try("pages beyond the most", good with { Pages = Pages + 1 }, backing, table);
        Try("no pages", good with { Pages = 0 }, backing, table);
        Try("all pages there are", good with { Pages = long.MaxValue, MaximumPages = long.MaxValue }, backing, table);
        Try("negative pages", good with { Pages = -1 }, backing, table);
        Try("generation -1", good with { StoreGenerations = [-1] }, backing, table, store);
        Try("generation 256", good with { StoreGenerations = [256] }, backing, table, store);
        Try("next generation 0", good with { NextGeneration = 0 }, backing, table);
        Try("next generation 256", good with { NextGeneration = 256 }, backing, table);
        Try("next generation among the former", good with { StoreGenerations = [1] }, backing, table, store);
        Try("a generation without its store", good with { StoreGenerations = [0] }, backing, table);
        Try("a store without its generation", good, backing, table, store);
        Try("a name with another's user in it", good with { Name = "0/honest-0" }, backing, table);
        Try("another's domain", good with { Domain = "private" }, backing, table);
    }

    private void Try(string what, SafeFileHandle backing, SafeFileHandle table, long pages = Pages) =>
        Try(what, Request("forged") with { Pages = pages, MaximumPages = pages }, backing, table);

    private void Try(string what, SafeFileHandle backing, SafeFileHandle table, SafeFileHandle store) =>
        Try(what, Request("forged") with { StoreGenerations = [0] }, backing, table, store);

    private void Try(string what, ResumeRequest request, params SafeFileHandle[] descriptors)
    {
        // A connection of its own: some of these end it.
        try
        {
            using var client = HostClient.Connect(socket, "forger");
            client.Request(
                MessageKind.Resume, request with { Domain = DomainOf(request) }, MessageKind.Resumed, descriptors)
                .Dispose();
            _accepted.Add(what);
        }
        catch (RefusedException refused)
        {
            ProbeFailedException.ThrowIf(refused.Refusal.Reason.Length < 10, $"{what}: refused without a reason");
            _refused.Add(refused.Refusal.Reason);
        }
    }

    private string DomainOf(ResumeRequest request) => request.Domain.Length > 0 ? request.Domain : guest.Answer.Domain;

    private static ResumeRequest Request(string name) => new(
        Guid.NewGuid(), 1, name, Pages, Pages, "", FaultMode.Signal, Sharing: true, [], NextGeneration: 1);

    private static SafeFileHandle Memory(long bytes, int seals = AllSeals, uint flags = Sealable)
    {
        var descriptor = Kernel.CreateMemory("forged", flags);
        var memory = new SafeFileHandle(descriptor, ownsHandle: true);
        if (descriptor < 0 || Kernel.Truncate(descriptor, (nint)bytes) != 0)
        {
            memory.SetHandleAsInvalid(); // no huge pages on this machine, say
            return memory;
        }

        _ = Kernel.Control(descriptor, AddSeals, seals);
        return memory;
    }

    private static SafeFileHandle Open(string path, int flags) =>
        new(Kernel.Open(path, flags | 0x80000, 0b110_000_000), ownsHandle: true);
}
