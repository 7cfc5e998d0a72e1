using Microsoft.Win32.SafeHandles;
using PageShare.Host.Access;
using PageShare.Host.Guests;
using PageShare.Memory;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>What guests ask for.</summary>
internal readonly struct GuestRequests(Session client, SessionServices services)
{
    private const long SmallestDefaultMaximum = 1L << 30;
    private const int MostGeneration = 255;

    public Answer Allocate(AllocateRequest request)
    {
        RequireName(request.Name);
        RequireSizes(request.Bytes, request.MaximumBytes ?? request.Bytes);
        RequireMode(request.FaultMode);
        var maximum = request.MaximumBytes ?? DefaultMaximum(request.Bytes);
        var domain = DomainOf(request);
        var memories = services.Memories;
        var process = client.ProcessId;
        var key = KeyOf(request.Name);
        var guest = services.Guests.Add(client, request.Name, maximum, backing: null, () => memories.Create(
            new IsolatedSpec
            {
                Name = key.ToString(),
                Bytes = request.Bytes,
                MaximumBytes = maximum,
                Domain = domain,
                ProcessId = process,
                FaultMode = request.FaultMode,
                Sharing = request.Sharing,
            }));
        services.Log.GuestAllocated(
            guest.Name, guest.Id, services.Names.Describe(guest.User), guest.ProcessId, MiB(request.Bytes), domain);

        var memory = guest.Memory;
        var table = services.Guests;
        var answer = new AllocatedAnswer(
            guest.Id, domain, memory.Pages, memory.MaximumPages, memory.StoreBytes, memory.FaultMode,
            memory.TrackWrites, Nanoseconds(memory.BreakTimeout), memory.BreakPages);
        return Answer.Of(
            MessageKind.Allocated, answer, () => table.Remove(guest),
            memory.Backing, memory.Table, memory.Ring, memory.Store);
    }

    public Answer Grow(GrowRequest request)
    {
        var guest = services.Guests.Find(request.GuestId, client);
        guest.Grow(request.Pages);
        services.Log.GuestGrown(guest.Name, guest.Id, MiB(request.Pages * PageSize.Bytes));
        return Answer.Done;
    }

    public Answer Free(GuestRequest request)
    {
        var guest = services.Guests.Find(request.GuestId, client);
        if (!services.Guests.Remove(guest))
        {
            throw HostedGuest.NotFound(guest.Id);
        }

        services.Log.GuestFreed(guest.Name, guest.Id);
        return Answer.Done;
    }

    public Answer Attached(GuestRequest request)
    {
        var guest = services.Guests.Find(request.GuestId, client);
        guest.Attach();
        services.Log.GuestAttached(guest.Name, guest.Id);
        return Answer.Done;
    }

    public Answer GetSnapshot(GuestRequest request)
    {
        var guest = services.Guests.Find(request.GuestId, client);
        return Answer.Of(
            MessageKind.Snapshot, new SnapshotAnswer(guest.Memory.Snapshot() with { Name = guest.Name }));
    }

    public Answer Resume(Frame frame)
    {
        var request = frame.Read<ResumeRequest>();
        return request.FormerHostId == services.Identity.HostId ? ResumeHere(request) : TakeOver(request, frame);
    }

    /// <summary>The guest has been here all the time: only its connection broke.</summary>
    private Answer ResumeHere(ResumeRequest request)
    {
        var guest = services.Guests.Find(request.FormerGuestId, client);
        guest.Resume(client);
        services.Log.GuestResumed(guest.Name, guest.Id, guest.ProcessId);
        var memory = guest.Memory;
        return Answer.Of(MessageKind.Resumed, new ResumedAnswer(
            guest.Id, IsSame: true, memory.StoreBytes, memory.TrackWrites, Nanoseconds(memory.BreakTimeout)));
    }

    /// <summary>The guest comes from another host. All that it brings is its own word, until the engine has
    /// looked.</summary>
    private Answer TakeOver(ResumeRequest request, Frame frame)
    {
        RequireName(request.Name);
        RequireSizes(BytesOf(request.Pages), BytesOf(request.MaximumPages));
        RequireMode(request.FaultMode);
        RequireGenerations(request, frame.Descriptors.Count);
        if (!services.Policy.TryFindFormerDomain(client.Rights, request.Domain, out var domain, out var refusal))
        {
            throw new RequestRefusedException(refusal);
        }

        var backing = FileIdentity.Of(frame.Descriptors[0]);
        var memories = services.Memories;
        var process = client.ProcessId;
        var key = KeyOf(request.Name);
        var guest = services.Guests.Add(client, request.Name, BytesOf(request.MaximumPages), backing, () =>
            memories.Resume(
            new ResumeSpec
            {
                Name = key.ToString(),
                Bytes = BytesOf(request.Pages),
                MaximumBytes = BytesOf(request.MaximumPages),
                Domain = domain,
                ProcessId = process,
                FaultMode = request.FaultMode,
                Sharing = request.Sharing,
                Backing = frame.Take(0),
                Table = frame.Take(1),
                Stores = [.. request.StoreGenerations.Select((generation, at) =>
                    new FormerStore(generation, frame.Take(2 + at)))],
                NextGeneration = request.NextGeneration,
            }));
        services.Log.GuestTakenOver(
            guest.Name, guest.Id, services.Names.Describe(guest.User), guest.ProcessId, MiB(BytesOf(request.Pages)),
            domain);

        var memory = guest.Memory;
        var table = services.Guests;
        var answer = new ResumedAnswer(
            guest.Id, IsSame: false, memory.StoreBytes, memory.TrackWrites, Nanoseconds(memory.BreakTimeout));
        return Answer.Of(
            MessageKind.Resumed, answer, () => table.Remove(guest), memory.Ring, memory.Store);
    }

    private string DomainOf(AllocateRequest request)
    {
        if (!services.Policy.TryFindDomain(client.Rights, request.Domain, out var domain, out var refusal))
        {
            throw new RequestRefusedException(refusal);
        }

        return request.Domain is null && services.Memories.Options.DomainPerGuest
            ? AccessPolicy.DomainOfOneGuest(client.Rights, domain, request.Name)
            : domain;
    }

    private GuestKey KeyOf(string name) => new(client.Rights.User, name);

    /// <summary>Room to grow as in one process, as far as the user's memory goes.</summary>
    private long DefaultMaximum(long bytes)
    {
        var machine = services.MachineBytes / PageSize.Bytes * PageSize.Bytes;
        var wanted = Math.Min(Math.Max(bytes <= machine / 2 ? 2 * bytes : bytes, SmallestDefaultMaximum), machine);
        var left = client.Account.Remaining(client.Rights) / PageSize.Bytes * PageSize.Bytes;
        return Math.Max(bytes, Math.Min(wanted, left ?? long.MaxValue));
    }

    private static void RequireName(string name) =>
        Require(GuestName.IsValid(name), $"A guest's name must be {GuestName.Allowed}.");

    private static void RequireSizes(long bytes, long maximum)
    {
        Require(
            bytes > 0 && PageSize.IsAligned(bytes),
            $"A guest's size must be a positive multiple of {PageSize.Bytes} bytes, not {bytes}.");
        Require(
            maximum >= bytes && PageSize.IsAligned(maximum),
            $"The size that a guest may grow to must be a multiple of {PageSize.Bytes} bytes and at least "
            + $"its size, not {maximum}.");
    }

    private static void RequireMode(FaultMode? mode) =>
        Require(mode is null || Enum.IsDefined(mode.Value), "There is no such fault mode.");

    private static void RequireGenerations(ResumeRequest request, int descriptors)
    {
        var generations = request.StoreGenerations;
        Require(
            generations.Count == descriptors - 2,
            $"{generations.Count} store generations are named, but {descriptors - 2} stores are sent.");
        Require(
            generations.All(static generation => generation is >= 0 and <= MostGeneration)
                && generations.Distinct().Count() == generations.Count,
            $"Store generations must be different numbers from 0 to {MostGeneration}.");
        Require(
            request.NextGeneration is > 0 and <= MostGeneration && !generations.Contains(request.NextGeneration),
            $"The next store generation must be a new number from 1 to {MostGeneration}.");
    }

    /// <summary>Pages of a client's, which may be any number; what is beyond all sizes is refused as such.</summary>
    private static long BytesOf(long pages) => pages is > 0 and <= long.MaxValue / PageSize.Bytes
        ? pages * PageSize.Bytes : -1;

    private static double MiB(long bytes) => bytes / 1048576.0;

    private static long Nanoseconds(TimeSpan time) => (long)time.TotalNanoseconds;

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new RequestRefusedException(RefusalCode.Invalid, problem);
        }
    }
}
