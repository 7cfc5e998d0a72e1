using System.Globalization;

namespace PageShare.TestKit.Proof;

/// <summary>The mappings of this process on Linux, from /proc/self/maps or smaps.</summary>
internal static class ProcMaps
{
    /// <summary>All mappings.</summary>
    public static IEnumerable<ProcessMapping> Read() => File.ReadLines("/proc/self/maps").Select(ParseHeader);

    /// <summary>All mappings, with flags and anonymous memory.</summary>
    public static IEnumerable<ProcessMapping> ReadDetails()
    {
        ProcessMapping? current = null;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                var kibibytes = line.AsSpan("Anonymous:".Length).Trim().TrimEnd(" kB");
                current = current! with { AnonymousBytes = 1024 * long.Parse(kibibytes, CultureInfo.InvariantCulture) };
            }
            else if (line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                var flags = line["VmFlags:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                yield return current! with { Flags = flags };
            }
            else if (char.IsAsciiHexDigitLower(line[0]))
            {
                current = ParseHeader(line); // all other lines begin with a capital
            }
        }
    }

    // "7f0000000000-7f0000001000 rw-s 00000000 00:01 1234      /memfd:name (deleted)"
    private static ProcessMapping ParseHeader(string line)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        var addresses = parts[0].Split('-');
        return new ProcessMapping(
            nuint.Parse(addresses[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            nuint.Parse(addresses[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            parts[1],
            long.Parse(parts[4], CultureInfo.InvariantCulture),
            parts.Length > 5 ? parts[5].Trim() : "");
    }
}
