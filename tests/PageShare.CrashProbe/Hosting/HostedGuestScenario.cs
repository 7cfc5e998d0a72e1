using System.Globalization;
using System.Runtime.InteropServices;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.CrashProbe.Hosting;

/// <summary>
/// Guests in a process of their own that does what standard input says, line by line, and answers each line by one:
/// <c>ok …</c> or <c>failed …</c>. <c>hosted-guest --socket PATH</c>.
/// </summary>
internal static class HostedGuestScenario
{
    public static int Run(ProbeArguments arguments)
    {
        using var client = GuestClient.Connect(arguments.Required("socket"));
        var session = new Commands(client);
        Say("ok connected");
        while (Console.In.ReadLine() is { } line)
        {
            try
            {
                Say($"ok {session.Do(line.Split(' '))}".TrimEnd());
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                Say($"failed {failure.GetType().Name}: {failure.Message.ReplaceLineEndings(" ")}");
            }
        }

        return ProbeExit.Done;
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    private sealed class Commands(GuestClient client)
    {
        private readonly Dictionary<string, GuestMemory> _guests = [];

        public string Do(string[] words)
        {
            switch (words[0])
            {
                case "allocate": // NAME BYTES [DOMAIN]
                    var options = new GuestOptions { Domain = words.Length > 3 ? words[3] : null };
                    var made = client.Allocate(words[1].Replace('\u00A0', ' '), Number(words[2]), options);
                    _guests.Add(words[1], made);
                    return made.Domain;
                case "fill": // NAME FIRST COUNT SEED
                    ForEach(words, static (page, seed, at) => PageOf(seed, at).CopyTo(page));
                    return "";
                case "zero": // NAME FIRST COUNT 0
                    ForEach(words, static (page, _, _) => page.Clear());
                    return "";
                case "check": // NAME FIRST COUNT SEED
                    ForEach(words, static (page, seed, at) => ProbeFailedException.ThrowIf(
                        !page.SequenceEqual(PageOf(seed, at)), $"page {at} is not what was written"));
                    return "";
                case "frames": // NAME FIRST COUNT: physical page numbers
                    return Frames(_guests[words[1]], Number(words[2]), Number(words[3]));
                case "grow":
                    _guests[words[1]].Grow(Number(words[2]));
                    return "";
                case "free":
                    _guests.Remove(words[1], out var guest);
                    guest!.Dispose();
                    return "";
                case "sharing": // NAME true|false
                    _guests[words[1]].Sharing = bool.Parse(words[2]);
                    return "";
                case "merges":
                    return _guests[words[1]].Snapshot().Counters.Merges.ToString(CultureInfo.InvariantCulture);
                case "break-connection":
                    client.Host.Require().Shutdown();
                    return "";
                case "attached":
                    return _guests[words[1]].IsAttached.ToString();
                case "refusal":
                    return _guests[words[1]].Refusal ?? "";
                default:
                    throw new ProbeFailedException($"There is no command '{words[0]}'.");
            }
        }

        private void ForEach(string[] words, PageAction action)
        {
            var (guest, first, count, seed) = (_guests[words[1]], Number(words[2]), Number(words[3]),
                (int)Number(words[4]));
            for (var page = first; page < first + count; page++)
            {
                action(guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes), seed, page);
            }
        }

        private static unsafe string Frames(GuestMemory guest, long first, long count)
        {
            // SAFETY: PageFrames reads inside the guest, which lives as long as this process.
            var frames = PageFrames.Of(guest.Pointer + (first * PageContent.Bytes), count);
            return string.Join(' ', frames.Select(static frame => frame.ToString("x", CultureInfo.InvariantCulture)));
        }

        private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);
    }

    private delegate void PageAction(Span<byte> page, int seed, long at);

    /// <summary>What page number <paramref name="at"/> of this seed holds: equal in every process, and nowhere
    /// else.</summary>
    private static byte[] PageOf(int seed, long at)
    {
        var page = new byte[PageContent.Bytes];
        MemoryMarshal.Cast<byte, long>(page.AsSpan()).Fill(((long)seed << 32) + at + 1);
        return page;
    }
}
