using PageShare.Host.Guests;
using PageShare.Metrics;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Status;

/// <summary>What the host says of itself, to operators, scrapers and browsers.</summary>
/// <remarks>
/// A snapshot looks at every guest with the engine's lock held. So one serves all who ask within a quarter of a second,
/// however many they are. Thread-safe.
/// </remarks>
internal sealed class StatusReport(HostIdentity identity, GuestTable guests, IGuestMemories memories, TimeProvider time)
{
    /// <summary>How long one answers.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private StatusAnswer? _taken; // guard: _lock
    private long _takenAt;        // guard: _lock

    /// <summary>All of it.</summary>
    public StatusAnswer Take()
    {
        lock (_lock)
        {
            if (_taken is null || time.GetElapsedTime(_takenAt) >= Lifetime)
            {
                _taken = Take(memories.Snapshot(), guests.All);
                _takenAt = time.GetTimestamp();
            }

            return _taken;
        }
    }

    /// <summary>
    /// As much as a frame takes: with some hundreds of guests the smallest ones are left out, and a warning says so.
    /// Sums have them all.
    /// </summary>
    public StatusAnswer ForFrame()
    {
        var whole = Take();
        var status = whole;
        for (var most = whole.Engine.Guests.Length; !Fits(status) && most > 0;)
        {
            most /= 2;
            status = Shorten(whole, most);
        }

        return status;
    }

    private StatusAnswer Take(EngineSnapshot engine, IReadOnlyList<HostedGuest> all)
    {
        var shown = GuestKey.Shorten(engine.Guests.Select(static guest => guest.Name)
            .Concat(all.Select(static guest => guest.Key.ToString())));
        return new StatusAnswer(
            identity.HostId, identity.Version, Environment.ProcessId, identity.StartedAt,
            engine with { Guests = [.. engine.Guests.Select(guest => guest with { Name = shown[guest.Name] })] },
            [.. all.Select(guest => Describe(guest, shown[guest.Key.ToString()]))]);
    }

    private static StatusAnswer Shorten(StatusAnswer whole, int most)
    {
        var largest = whole.Engine.Guests.OrderByDescending(static guest => guest.Counters.MappedBytes)
            .Take(most).Select(static guest => guest.Name).ToHashSet();
        var domains = whole.Engine.Domains.OrderByDescending(static domain => domain.Counters.MappedBytes).Take(most);
        return whole with
        {
            Processes = [.. whole.Processes.Where(process => largest.Contains(process.Name))],
            Engine = whole.Engine with
            {
                Guests = [.. whole.Engine.Guests.Where(guest => largest.Contains(guest.Name))],
                Domains = [.. domains],
                Warnings =
                [
                    .. whole.Engine.Warnings,
                    $"Only the {largest.Count} largest of {whole.Engine.Guests.Length} guests fit this answer; "
                    + "the host's /status has all.",
                ],
            },
        };
    }

    private static bool Fits(StatusAnswer status)
    {
        try
        {
            MessageBody.Write(MessageKind.Status, status);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static GuestProcess Describe(HostedGuest guest, string name) =>
        new(guest.Id, name, guest.ProcessId, guest.User, guest.State, guest.Memory.PagesToMove);
}
