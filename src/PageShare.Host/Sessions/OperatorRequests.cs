using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Host.Guests;
using PageShare.Platform;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>What operators ask for.</summary>
internal readonly struct OperatorRequests(Session client, SessionServices services)
{
    // One letter each; with what stands around them they fit a frame.
    private const int MostKinds = 240 * 1024;

    // In a message.
    private const int MostNamed = 8;

    public Answer GetStatus()
    {
        RequireOperator();
        return Answer.Of(MessageKind.Status, services.Status.ForFrame());
    }

    public Answer Control(ControlRequest request)
    {
        if (!Enum.IsDefined(request.Action))
        {
            throw new RequestRefusedException(RefusalCode.Invalid, "There is no such action.");
        }

        if (request.Guest is not null && services.Guests.TryFind(new GuestKey(client.Rights.User, request.Guest), out var own)
            && own.IsOf(client))
        {
            // A guest may say so of itself, without being an operator.
            Carry(request.Action, own);
            return Answer.Done;
        }

        RequireOperator();
        services.Log.Controlled(
            services.Names.Describe(client.Rights.User), client.ProcessId, request.Action,
            request.Guest is null ? "all guests" : $"guest {GuestName.Clean(request.Guest)}");
        if (request.Guest is not null)
        {
            Carry(request.Action, Find(request.Guest));
            return Answer.Done;
        }

        var failures = new List<string>();
        foreach (var guest in services.Guests.All)
        {
            try
            {
                Carry(request.Action, guest);
            }
            catch (ObjectDisposedException)
            {
                // Its process ended since it was listed.
            }
            catch (RequestRefusedException refused)
            {
                failures.Add(refused.Refusal.Reason);
            }
        }

        return failures.Count == 0
            ? Answer.Done
            : throw new RequestRefusedException(RefusalCode.OutOfResources, string.Join(' ', failures));
    }

    public Answer GetContents(ContentsRequest request)
    {
        RequireOperator();
        var memory = Find(request.Guest).Memory;
        var pages = memory.Pages;
        if (request.FirstPage < 0 || request.FirstPage >= pages)
        {
            throw new RequestRefusedException(
                RefusalCode.Invalid,
                $"Guest '{request.Guest}' has {pages} pages; there is no page {request.FirstPage}.");
        }

        var kinds = new char[(int)Math.Min(MostKinds, pages - request.FirstPage)];
        var count = memory.ReadKinds(request.FirstPage, kinds);
        return Answer.Owning(
            MessageKind.Contents, new ContentsAnswer(pages, new string(kinds, 0, count)),
            client.Rights.ReadsMemory ? [ReadOnlyDescriptor.Of(memory.Backing)] : []);
    }

    public Answer GetMemory(MemoryRequest request)
    {
        RequireOperator();
        if (!client.Rights.ReadsMemory)
        {
            throw new RequestRefusedException(
                RefusalCode.NotAllowed,
                "What guests' pages hold is for the user that runs the host, and for root: ask as one of them.");
        }

        services.Log.MemoryRead(
            services.Names.Describe(client.Rights.User), client.ProcessId, GuestName.Clean(request.Guest));
        var memory = Find(request.Guest).Memory;
        var generations = new List<int>();
        var descriptors = new List<SafeHandle>();
        try
        {
            descriptors.Add(ReadOnlyDescriptor.Of(memory.Backing));
            descriptors.Add(ReadOnlyDescriptor.Of(memory.Table));
            foreach (var (generation, store) in memory.Stores)
            {
                if (descriptors.Count < FrameHeader.MaximumDescriptors && TryOpen(store) is { } opened)
                {
                    generations.Add(generation);
                    descriptors.Add(opened);
                }
            }

            return Answer.Owning(
                MessageKind.Memory, new MemoryAnswer(memory.Pages, memory.FaultMode, generations), descriptors);
        }
        catch
        {
            descriptors.ForEach(static descriptor => descriptor.Dispose());
            throw;
        }
    }

    /// <summary>Null for a former host's store that was closed just now, or that is not this user's to open.</summary>
    private static SafeFileHandle? TryOpen(SafeHandle store)
    {
        try
        {
            return ReadOnlyDescriptor.Of(store);
        }
        catch (Exception unavailable) when (unavailable is ObjectDisposedException or PlatformException)
        {
            return null;
        }
    }

    private static void Carry(ControlAction action, HostedGuest guest)
    {
        switch (action)
        {
            case ControlAction.Pause:
                guest.Memory.Sharing = false;
                break;
            case ControlAction.Resume:
                guest.Memory.Sharing = true;
                break;
            case ControlAction.Unshare when !guest.Memory.Unshare():
                throw new RequestRefusedException(
                    RefusalCode.OutOfResources,
                    $"Guest '{guest.Name}' did not give all of its shared pages back: it is not attached, or "
                    + "slow. Try again.");
        }
    }

    /// <summary>A guest by its name, or by user and name where two users have one of that name.</summary>
    private HostedGuest Find(string name)
    {
        if (GuestKey.TryParse(name, services.Names.IdOf, out var key) && services.Guests.TryFind(key, out var guest))
        {
            return guest;
        }

        IReadOnlyList<HostedGuest> named = [.. services.Guests.All.Where(one => one.Name == name)];
        return named switch
        {
            [var only] => only,
            [] => throw new RequestRefusedException(
                RefusalCode.NotFound, $"There is no guest named '{GuestName.Clean(name)}'."),
            _ => throw new RequestRefusedException(
                RefusalCode.Invalid,
                $"{named.Count} users have a guest named '{name}'. Say which: "
                + string.Join(" or ", named.Take(MostNamed).Select(static one => one.Key)) + "."),
        };
    }

    private void RequireOperator()
    {
        if (!client.IsOperator)
        {
            throw new RequestRefusedException(
                RefusalCode.NotAllowed,
                "This is for operators: say so in Hello, and be one by the host's configuration.");
        }
    }
}
