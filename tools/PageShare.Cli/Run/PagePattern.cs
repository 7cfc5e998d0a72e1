using System.Buffers.Binary;

namespace PageShare.Cli.Run;

/// <summary>Bytes that can be made again from a number: whole pages, and small patches at a place of their
/// own.</summary>
internal static class PagePattern
{
    private const int ShortestPatch = 8;
    private const int LongestPatch = 256;

    /// <summary>Fills whole 8-byte words with random bytes that belong to the seed.</summary>
    public static void Fill(ulong seed, Span<byte> destination)
    {
        var random = new SeededRandom(seed);
        while (destination.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, random.Next());
            destination = destination[sizeof(ulong)..];
        }
    }

    /// <summary>Where in its page a patch lies: any place, but always the same one for the same seed.</summary>
    public static (int Offset, int Length) PatchPlace(ulong placeSeed)
    {
        var random = new SeededRandom(placeSeed);
        int length = ShortestPatch * (int)(1 + random.Below(LongestPatch / ShortestPatch));
        return ((int)random.Below(Quantity.PageBytes - length + 1), length);
    }
}
