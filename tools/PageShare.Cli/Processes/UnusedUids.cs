using System.Globalization;

namespace PageShare.Cli.Processes;

/// <summary>Finds user ids that nobody has: neither an account nor a running process.</summary>
internal static class UnusedUids
{
    // Above the ids of people (from 1,000) and of packages (60,000 and up to 60,999 on Debian), below "nobody" (65,534).
    private const uint First = 61_000;
    private const uint Last = 65_500;

    /// <summary>So many of them; fewer if there are not enough.</summary>
    /// <remarks>It begins at a random one, so that two programs that do this at the same time get different
    /// ones.</remarks>
    public static IReadOnlyList<uint> Take(int count) => Take(count, "/", Random.Shared.Next());

    /// <summary>The same on another root, from a given place.</summary>
    internal static IReadOnlyList<uint> Take(int count, string root, int start)
    {
        HashSet<uint> used = [.. OfAccounts(Path.Combine(root, "etc/passwd")), .. OfProcesses(Path.Combine(root, "proc"))];
        uint range = Last - First + 1;
        return [.. Enumerable.Range(0, (int)range)
            .Select(i => First + (((uint)start + (uint)i) % range))
            .Where(uid => !used.Contains(uid))
            .Take(count)];
    }

    private static IEnumerable<uint> OfAccounts(string passwd) => (File.Exists(passwd) ? File.ReadLines(passwd) : [])
        .Select(line => line.Split(':'))
        .Where(fields => fields.Length > 2)
        .Select(fields => uint.TryParse(fields[2], CultureInfo.InvariantCulture, out uint uid) ? uid : 0);

    private static IEnumerable<uint> OfProcesses(string proc)
    {
        foreach (string folder in Directory.Exists(proc) ? Directory.EnumerateDirectories(proc) : [])
        {
            if (char.IsAsciiDigit(Path.GetFileName(folder)[0]) && UidOf(folder) is uint uid)
            {
                yield return uid;
            }
        }
    }

    private static uint? UidOf(string process)
    {
        try
        {
            return ProcText.Find(File.ReadLines(Path.Combine(process, "status")), "Uid") is string line
                && uint.TryParse(line.Split('\t')[1], CultureInfo.InvariantCulture, out uint uid) ? uid : null;
        }
        catch (IOException)
        {
            return null; // it has ended
        }
    }
}
