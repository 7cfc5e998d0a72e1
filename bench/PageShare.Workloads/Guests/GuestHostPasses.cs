using PageShare.Cli.Run;

namespace PageShare.Workloads.Guests;

/// <summary>Passes over all guests of a host.</summary>
internal static class GuestHostPasses
{
    /// <summary>Makes passes until nothing more merges.</summary>
    /// <returns>The passes, in order.</returns>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static List<PassReport> Converge(this IGuestHost host, CancellationToken stop)
    {
        var passes = new List<PassReport>();
        for (var convergence = new Convergence(); !convergence.IsReached;)
        {
            passes.Add(host.ScanOnce(stop));
            stop.ThrowIfCancellationRequested();
            convergence.Add(passes[^1]);
        }

        return passes;
    }
}
