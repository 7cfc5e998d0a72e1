namespace PageShare.Platform;

/// <summary>
/// What this machine's kernel offers beside what PageShare must have, found by trying. Thread-safe; changes nothing.
/// </summary>
public static class KernelProbe
{
    /// <summary>Whether the kernel is Linux. Elsewhere nothing of what is probed here exists, and nothing of it is
    /// needed.</summary>
    public static bool IsLinux => HostPlatform.IsLinux;

    /// <summary>
    /// userfaultfd for user-mode faults with asynchronous write-protection (Linux 6.7): tracking of written pages.
    /// </summary>
    public static ProbeResult Userfaultfd() => ProbeResult.Of(Shim.ProbeUserfaultfd);

    /// <summary>The PAGEMAP_SCAN request (Linux 6.7): finding written pages without looking at each.</summary>
    public static ProbeResult PagemapScan() => ProbeResult.Of(Shim.ProbePagemapScan);

    /// <summary>perf's page-fault event: counting breaks of <see cref="FaultMode.Kernel"/> as they happen.</summary>
    public static ProbeResult PageFaultEvents() => ProbeResult.Of(Shim.ProbePageFaultEvents);
}

/// <summary>How a try went.</summary>
/// <param name="Works">Whether it worked.</param>
/// <param name="Detail">If not, what the system said.</param>
public readonly record struct ProbeResult(bool Works, string Detail)
{
    internal static ProbeResult Of(Func<int> attempt)
    {
        try
        {
            int result = attempt();
            return result == 0
                ? new ProbeResult(true, "")
                : new ProbeResult(false, $"{HostPlatform.DescribeShimError(-result)} (errno {-result})");
        }
        catch (TypeInitializationException notLoaded)
        {
            // The shim is not there, or not the one that this code was written for.
            return new ProbeResult(false, notLoaded.InnerException?.Message ?? notLoaded.Message);
        }
    }
}
