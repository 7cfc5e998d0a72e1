using System.Globalization;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Hostile;

/// <summary>Asks for what belongs to others: their guests, names, domains, and the operator's part.</summary>
internal sealed class Claims(string socket, RawGuest guest)
{
    private const int MostIds = 40;

    private readonly List<string> _granted = [];
    private int _refused;

    /// <summary>Tries all.</summary>
    /// <param name="names">Guests of others.</param>
    /// <returns>What was granted, and how often it was refused with a reason.</returns>
    public string TryAll(string[] names)
    {
        for (var id = -3L; id < MostIds; id++)
        {
            if (id == guest.Answer.GuestId)
            {
                continue;
            }

            Try($"grow {id}", MessageKind.Grow, new GrowRequest(id, 300));
            Try($"attach {id}", MessageKind.Attached, new GuestRequest(id));
            Try($"free {id}", MessageKind.Free, new GuestRequest(id));
            Try($"snapshot {id}", MessageKind.GetSnapshot, new GuestRequest(id), MessageKind.Snapshot);
        }

        foreach (var name in names)
        {
            Try($"pause {name}", MessageKind.Control, new ControlRequest(ControlAction.Pause, name));
            Try($"unshare {name}", MessageKind.Control, new ControlRequest(ControlAction.Unshare, name));
            Try($"contents {name}", MessageKind.GetContents, new ContentsRequest(name, 0), MessageKind.Contents);
        }

        Try("pause all", MessageKind.Control, new ControlRequest(ControlAction.Pause, null));
        Try("status", MessageKind.GetStatus, new StatusRequest(), MessageKind.Status);
        foreach (var domain in new[] { "0/default", "private", "../0/default", "0\0", new string('d', 500) })
        {
            Allocate($"domain {domain}", "claimer", 4096, domain);
        }

        foreach (var (bytes, name) in new (long, string)[]
        {
            (0, "size"), (-4096, "size"), (4097, "size"), (long.MaxValue, "size"), (long.MinValue, "size"),
            (4096, ""), (4096, new string('n', 5000)), (4096, "a\nb"), (4096, "\0"),
        })
        {
            Allocate($"size {bytes} name '{name}'", name, bytes, null);
        }

        Try("shrink", MessageKind.Grow, new GrowRequest(guest.Answer.GuestId, 1));
        Try("grow for ever", MessageKind.Grow, new GrowRequest(guest.Answer.GuestId, long.MaxValue));
        Operate();
        foreach (var name in names)
        {
            // What it may: a guest of its own by that name, which it is then that it pauses.
            Allocate($"name {name}", name, 4096, null);
            Try($"pause own {name}", MessageKind.Control, new ControlRequest(ControlAction.Pause, name));
        }

        return $"granted: {string.Join(", ", _granted)}; refused {_refused.ToString(CultureInfo.InvariantCulture)}";
    }

    private void Allocate(string what, string name, long bytes, string? domain) => Try(
        what, MessageKind.Allocate, new AllocateRequest(name, bytes, null, domain, null), MessageKind.Allocated);

    private void Try<T>(string what, MessageKind kind, T body, MessageKind answer = MessageKind.Done) =>
        Attempt(what, () => guest.Client.Request(kind, body, answer).Dispose());

    private void Operate() => Attempt("operate", () =>
    {
        using var client = HostClient.Connect(socket, "hostile", isOperator: true);
        client.Request(MessageKind.GetStatus, new StatusRequest(), MessageKind.Status).Dispose();
    });

    private void Attempt(string what, Action attempt)
    {
        try
        {
            attempt();
            _granted.Add(what);
        }
        catch (RefusedException refused)
        {
            ProbeFailedException.ThrowIf(refused.Refusal.Reason.Length < 10, $"{what}: refused without a reason");
            _refused++;
        }
    }
}
