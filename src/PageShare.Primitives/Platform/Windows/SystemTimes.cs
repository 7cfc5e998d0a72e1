namespace PageShare.Platform.Windows;

/// <summary>The machine's load by GetSystemTimes. Windows has no pressure figures. Thread-safe: it holds no
/// state.</summary>
internal sealed class SystemTimes : ILoadSource
{
    /// <inheritdoc/>
    public bool TryRead(out MachineLoad load)
    {
        // In units of 100 ns, as TimeSpan counts; kernel time includes idle time.
        var isKnown = Kernel32.GetSystemTimes(out var idle, out var kernel, out var user);
        load = isKnown ? new MachineLoad(new TimeSpan(idle), new TimeSpan(Math.Max(0, kernel - idle) + user)) : default;
        return isKnown;
    }
}
