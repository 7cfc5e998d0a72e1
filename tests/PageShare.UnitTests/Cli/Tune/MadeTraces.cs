using PageShare.Cli.Traces;

namespace PageShare.UnitTests.Cli.Tune;

/// <summary>Traces of guests that never ran: files in runs, zeroes, fill, private pages, and changes to all of
/// them.</summary>
internal static class MadeTraces
{
    private const int LongestRun = 60;
    private const int Files = 200;
    private const int FirstPrivate = 100_000;

    /// <summary>Makes one.</summary>
    /// <param name="guests">How many guests.</param>
    /// <param name="pages">Pages of each.</param>
    /// <param name="moments">How many moments.</param>
    /// <param name="interval">Time between two.</param>
    /// <param name="seed">Another one is another trace of the same kind.</param>
    public static MemoryTrace Make(int guests, int pages, int moments, TimeSpan interval, int seed = 1)
    {
        var random = new Random(seed);
        int privates = FirstPrivate;
        int[][] memory = [.. Enumerable.Range(0, guests).Select(_ => new int[pages])];
        var made = new List<TraceMoment>();
        for (int moment = 0; moment < moments; moment++)
        {
            double share = moment == 0 ? 1 : 1.0 / 6;
            var changes = new List<PageChange[]>();
            foreach (int[] guest in memory)
            {
                changes.Add(Change(guest, random, share, moment == 0, ref privates));
            }

            made.Add(new TraceMoment(moment * interval, null, changes));
        }

        return new MemoryTrace
        {
            Name = $"made with seed {seed}",
            Guests = [.. Enumerable.Range(0, guests).Select(i => $"guest-{i}")],
            Pages = [.. memory.Select(guest => guest.Length)],
            Moments = made,
            Contents = privates + 1,
        };
    }

    private static PageChange[] Change(int[] guest, Random random, double share, bool isFirst, ref int privates)
    {
        var changes = new List<PageChange>();
        for (int page = 0; page < guest.Length;)
        {
            int length = Math.Min(1 + random.Next(LongestRun), guest.Length - page);
            bool isChanged = random.NextDouble() < share;
            int kind = random.Next(10);
            int file = random.Next(Files);
            for (int i = 0; i < length; i++, page++)
            {
                if (!isChanged)
                {
                    continue;
                }

                int content = kind switch
                {
                    < 2 => Contents.Zero,
                    2 => 1,
                    < 7 => 10 + (file * LongestRun) + i,
                    _ => ++privates,
                };
                if (isFirst || guest[page] != content)
                {
                    changes.Add(new PageChange(page, content));
                    guest[page] = content;
                }
            }
        }

        return [.. changes];
    }
}
