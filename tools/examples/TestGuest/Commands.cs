using System.Globalization;
using System.Text;
using PageShare;

namespace TestGuest;

/// <summary>The table's commands, a line each.</summary>
internal sealed class Commands(GuestMemory memory, GuestHeap heap, KeyValueTable table)
{
    /// <summary>What may be typed.</summary>
    public const string Help =
        "set KEY VALUE | get KEY | del KEY | fill N (entries that every such table fills alike) | stat | verify | quit";

    private const int FillBytes = 1000;

    /// <summary>Carries one command out; false at the end.</summary>
    public bool TryRun(string line, out string answer)
    {
        try
        {
            answer = Run(line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries));
        }
        catch (Exception problem) when (problem is InvalidOperationException or InvalidDataException or IOException)
        {
            answer = $"FAILED: {problem.Message}"; // the table is full, or damaged, or the host would not let it grow
        }

        return line.Trim() != "quit";
    }

    private string Run(string[] words) => words switch
    {
        ["set", var key, var value] => table.Set(Bytes(key), Bytes(value)) ? "added" : "replaced",
        ["get", var key] => table.TryGet(Bytes(key), out var value) ? Encoding.UTF8.GetString(value) : "(none)",
        ["del", var key] => table.Remove(Bytes(key)) ? "deleted" : "(none)",
        ["fill", var count] when int.TryParse(count, CultureInfo.InvariantCulture, out var entries) => Fill(entries),
        ["stat"] => Describe(),
        ["verify"] => Verify(),
        [] or ["quit"] => "",
        _ => $"? {Help}",
    };

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private string Fill(int entries)
    {
        var value = new byte[FillBytes];
        for (var i = 0; i < entries; i++)
        {
            new Random(i).NextBytes(value); // the same in every process, and different for each entry
            table.Set(Bytes($"fill-{i}"), value);
        }

        return $"filled {entries}";
    }

    private string Verify()
    {
        table.Verify();
        return $"verified {table.Count} entries";
    }

    private string Describe()
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"entries {table.Count}, data {table.DataBytes}, heap {heap.UsedBytes}, memory {memory.Length}");
        try
        {
            var counters = memory.Snapshot().Counters;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{text}, shared pages {counters.PagesShared + counters.PagesSharing}, "
                + $"saved {counters.SavedBytes}, breaks {counters.CowFaults}");
        }
        catch (HostUnavailableException)
        {
            return $"{text}, no host now";
        }
    }
}
