using System.Globalization;
using PageShare.Cli.Scan.Count;

namespace PageShare.Cli.Scan.Report;

/// <summary>Contents as people know them.</summary>
internal static class ContentText
{
    private const int HexDigits = 2 * PageDigest.HeadBytes;

    /// <summary>Bytes that fill pages for a reason.</summary>
    private static readonly Dictionary<byte, string> KnownFills = new()
    {
        [0x6B] = "freed memory of the kernel's allocator",
        [0x5A] = "memory of the kernel's allocator before its first use",
        [0xAA] = "page poison of the kernel",
        [0xCC] = "breakpoints, or free pages of the kernel",
        [0xCD] = "fresh heap of a debug build",
        [0xFF] = "erased flash, or a full bitmap",
    };

    /// <summary>The first 16 bytes as hexadecimal digits.</summary>
    public static string Head(UInt128 head) => head.ToString($"x{HexDigits}", CultureInfo.InvariantCulture);

    /// <summary>What the content is.</summary>
    public static string What(ContentKind kind, UInt128 head)
    {
        byte first = (byte)(head >> 120);
        return kind switch
        {
            ContentKind.Zero => "zero",
            ContentKind.Fill when KnownFills.TryGetValue(first, out string? known) => $"fill of 0x{first:x2} ({known})",
            ContentKind.Fill => $"fill of 0x{first:x2}",
            ContentKind.Pattern => $"pattern of 0x{Head(head)[..16]}",
            ContentKind.Text => "text",
            ContentKind.Elf => "first page of an ELF file",
            _ => "binary",
        };
    }
}
