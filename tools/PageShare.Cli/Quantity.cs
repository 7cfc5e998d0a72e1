using System.Globalization;

namespace PageShare.Cli;

/// <summary>Quantities as people read them.</summary>
internal static class Quantity
{
    /// <summary>Bytes in a page.</summary>
    public const int PageBytes = 4096;

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Bytes in the largest binary unit that keeps the number above one: <c>467.5 MiB</c>.</summary>
    public static string Bytes(double bytes)
    {
        int unit = 0;
        while (Math.Abs(bytes) >= 1024 && unit < Units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }

        return $"{bytes.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>A number of pages as bytes.</summary>
    public static string Pages(long pages) => Bytes((double)pages * PageBytes);

    /// <summary>A whole number with separators: <c>12,345</c>.</summary>
    public static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number of guests: <c>1 guest</c>, <c>4 guests</c>.</summary>
    public static string Guests(int count) => count == 1 ? "1 guest" : $"{count} guests";

    /// <summary>A share of one as a percentage: <c>45.6 %</c>.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.0} %");

    /// <summary>Seconds with two digits: <c>1.25 s</c>.</summary>
    public static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s");

    /// <summary>Nanoseconds as microseconds: <c>11.4 µs</c>.</summary>
    public static string Microseconds(double nanoseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1000:0.0} µs");
}
