using System.Globalization;
using System.Runtime.CompilerServices;
using Mono.Unix.Native;

namespace PageShare.IsolationTests.Cli;

/// <summary>
/// A shell has what it runs in the background ignore SIGINT, and all its children inherit that. Tests that send it need
/// children that do not.
/// </summary>
internal static class InterruptSignal
{
    private const string Ignored = "SigIgn:";

    private static bool IsIgnored
    {
        get
        {
            string line = File.ReadLines("/proc/self/status").First(
                static line => line.StartsWith(Ignored, StringComparison.Ordinal));
            ulong signals = ulong.Parse(line.AsSpan(Ignored.Length), NumberStyles.HexNumber | NumberStyles.AllowLeadingWhite,
                CultureInfo.InvariantCulture);
            return (signals >> ((int)Signum.SIGINT - 1) & 1) != 0;
        }
    }

    /// <summary>Before any test runs: from then on it ends who does not handle it.</summary>
    [ModuleInitializer]
    internal static void Restore()
    {
        if (OperatingSystem.IsLinux() && IsIgnored)
        {
            _ = Stdlib.SetSignalAction(Signum.SIGINT, SignalAction.Default);
        }
    }
}
