using System.Globalization;

namespace PageShare.Workloads.Reporting;

/// <summary>Numbers as the reports write them.</summary>
internal static class Figures
{
    /// <summary>Three digits or so: <c>0.123</c>, <c>12.3</c>, <c>12,345</c>.</summary>
    public static string Short(double value) => value.ToString(
        Math.Abs(value) switch
        {
            0 => "0",
            >= 100 => "N0",
            >= 10 => "0.0",
            >= 1 => "0.00",
            _ => "0.000",
        },
        CultureInfo.InvariantCulture);

    /// <summary>The same; a dash where there is none.</summary>
    public static string Short(double? value) => value is { } known ? Short(known) : "–";

    /// <summary>Nanoseconds as microseconds.</summary>
    public static string Microseconds(double nanoseconds) => Short(nanoseconds / 1000);
}
