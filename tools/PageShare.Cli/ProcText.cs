using System.Globalization;

namespace PageShare.Cli;

/// <summary>Reads the kernel's text files of the form <c>Name:   123 kB</c>.</summary>
internal static class ProcText
{
    /// <summary>The line of that name; null if there is none.</summary>
    public static string? Find(IEnumerable<string> lines, string name) => lines.FirstOrDefault(
        line => line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':');

    /// <summary>The bytes of such a line; 0 if it has no number.</summary>
    public static long Kibibytes(string line)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value * 1024
            : 0;
    }
}
