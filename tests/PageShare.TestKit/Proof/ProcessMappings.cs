using System.Globalization;

namespace PageShare.TestKit.Proof;

/// <summary>One mapping of this process, as the kernel describes it.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address behind the last.</param>
/// <param name="Permissions">Such as <c>rw-s</c>.</param>
/// <param name="Inode">Of the file behind it; 0 for anonymous memory.</param>
/// <param name="Name">Of the file behind it, or empty.</param>
public sealed record ProcessMapping(nuint Start, nuint End, string Permissions, long Inode, string Name)
{
    /// <summary>Memory that belongs to no file: copies that the kernel made. Only from smaps.</summary>
    public long AnonymousBytes { get; init; }

    /// <summary>What the kernel was told of it, as two letters each: <c>dc</c> keeps it from a forked child. Only from
    /// smaps.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
}

/// <summary>The mappings of this process, from /proc/self/maps or smaps.</summary>
public static unsafe class ProcessMappings
{
    /// <summary>Mappings of the whole process.</summary>
    public static int Count => File.ReadLines("/proc/self/maps").Count();

    /// <summary>The mappings that overlap a range.</summary>
    public static IReadOnlyList<ProcessMapping> Of(byte* start, long bytes) =>
        Overlapping(File.ReadLines("/proc/self/maps").Select(ParseHeader), (nuint)start, bytes);

    /// <summary>The same with flags and anonymous memory, which takes longer.</summary>
    public static IReadOnlyList<ProcessMapping> DetailsOf(byte* start, long bytes) =>
        Overlapping(ReadDetails(), (nuint)start, bytes);

    private static ProcessMapping[] Overlapping(IEnumerable<ProcessMapping> mappings, nuint start, long bytes) =>
        [.. mappings.Where(mapping => mapping.End > start && mapping.Start < start + (nuint)bytes)];

    private static IEnumerable<ProcessMapping> ReadDetails()
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
