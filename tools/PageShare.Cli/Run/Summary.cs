using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>A run's end as a person reads it: what was saved, what it cost, and whether every byte was right.</summary>
internal static class Summary
{
    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, RunResult result)
    {
        CounterSet totals = result.Snapshot.Totals;
        output.WriteLine();
        output.WriteLine(Heading(result));
        Line("saved", $"{Quantity.Bytes(totals.SavedBytes)} ({Quantity.Percent(totals.SharingRatio)}), "
            + $"net of our own tables {Quantity.Bytes(totals.NetSavedBytes)}");
        Line("at best", Best(result));
        Line("resident", Resident(result));
        GuestPages pages = GuestPages.Of(totals);
        Line("pages", $"{Quantity.Count(pages.Zero)} zero, {Quantity.Count(pages.Shared)} shared in "
            + $"{Quantity.Count(totals.PagesShared)} frames, {Quantity.Count(pages.Private)} private");
        Line("scanning", $"{totals.FullScans} full passes, {Quantity.Count(totals.PagesScanned)} pages "
            + $"(written ones found by {result.Snapshot.WriteTracking}), "
            + $"{Quantity.Seconds(totals.ScanCpuSeconds)} of CPU in {Quantity.Seconds(result.Share.Seconds)}");
        Line("merges", $"{Quantity.Count(totals.Merges)}, {Quantity.Count(totals.MergesAbandoned)} abandoned, "
            + $"{Quantity.Count(totals.HashCollisions)} hash collisions");
        Line("breaks", Breaks(result));
        Line("isolation", Isolation(result.Isolation));
        Line("mappings", $"{Quantity.Count(totals.MappingsUsed)} of {Quantity.Count(totals.MappingsLimit)} allowed");
        foreach (Takeover takeover in result.Isolation.Takeovers)
        {
            Line("takeover", Describe(takeover));
        }

        Line("CPU", $"load {Quantity.Seconds(result.Cpu.Load)}, share {Quantity.Seconds(result.Cpu.Share)}, "
            + $"verify {Quantity.Seconds(result.Cpu.Verify)}");
        WriteVerdict(output, result);

        void Line(string name, string text) => output.WriteLine($"  {name,-10} {text}");
    }

    private static string Heading(RunResult result)
    {
        RunOptions options = result.Options;
        string domains = options.DomainPerGuest ? "each in a domain of its own" : "in one domain";
        return $"{Quantity.Guests(result.Verdicts.Count)}, {Quantity.Pages(result.Loaded.Pages)}, {domains}; "
            + $"fault mode {RunHead.FaultModeName(options.FaultMode)}, {options.WriteRate} writes/s, seed {options.Seed}";
    }

    private static string Best(RunResult result)
    {
        long best = result.Loaded.BestSavedBytes;
        string reached = best > 0
            ? $"; {Quantity.Percent((double)result.Snapshot.Totals.SavedBytes / best)} of that is saved"
            : "";
        return $"{Quantity.Bytes(best)} by exact counting of what was loaded "
            + $"({Quantity.Count(result.Loaded.ZeroPages)} zero and {Quantity.Count(result.Loaded.DuplicatePages)} duplicate "
            + $"pages){reached}";
    }

    private static string Resident(RunResult result)
    {
        string ours = $"{Quantity.Bytes(result.Snapshot.Totals.ResidentBytes)} by our count";
        return result.Kernel is KernelFigure kernel
            ? $"{ours}, {Quantity.Bytes(kernel.ResidentBytes)} by the kernel's ({Quantity.Bytes(kernel.MemfdBytes)} of memory "
                + $"objects, {Quantity.Bytes(kernel.CopyBytes ?? 0)} of copies)"
            : ours;
    }

    private static string Isolation(IsolationReport isolation)
    {
        if (isolation.Uids is null)
        {
            return "none: all guests live in this process";
        }

        string uids = isolation.Reason is null
            ? $"each under a user id of its own ({string.Join(", ", isolation.Guests.Select(guest => guest.Uid))})"
            : $"all under one user id: {isolation.Reason}";
        return $"{Quantity.Guests(isolation.Guests.Count)} in processes of their own "
            + $"({string.Join(", ", isolation.Guests.Select(guest => guest.Pid))}), {uids}; host {isolation.HostPid}";
    }

    private static string Describe(Takeover takeover)
    {
        if (takeover.AttachedSeconds is not double attached)
        {
            return $"the host, process {takeover.FormerPid}, died; not all guests came to the next one, {takeover.Pid}";
        }

        string moved = takeover.MovedSeconds is double seconds
            ? $"its frames gone after {Quantity.Seconds(seconds)}"
            : $"{Quantity.Count(takeover.PagesToMove)} pages still show its frames";
        return $"the host, process {takeover.FormerPid}, died; all guests with the next one, {takeover.Pid}, after "
            + $"{Quantity.Seconds(attached)}, {moved}";
    }

    private static string Breaks(RunResult result)
    {
        CounterSet totals = result.Snapshot.Totals;
        LatencySummary latency = totals.CowFaultNanoseconds;
        string times = latency.P99 > 0
            ? $", p50 {Quantity.Microseconds(latency.P50)}, p99 {Quantity.Microseconds(latency.P99)}"
            : "";
        string ahead = totals.PagesBrokenAhead > 0 ? $", and {Quantity.Count(totals.PagesBrokenAhead)} pages ahead" : "";
        string stalled = totals.BreaksStalled > 0 ? $", {Quantity.Count(totals.BreaksStalled)} stalled" : "";
        return $"{Quantity.Count(totals.CowFaults)} (counted by {result.Snapshot.BreakCounting}){ahead}{times}{stalled}; guests wrote "
            + $"{Quantity.Count(result.Share.PagesWritten)} and read {Quantity.Count(result.Share.PagesRead)} pages";
    }

    private static void WriteVerdict(TextWriter output, RunResult result)
    {
        foreach (string warning in result.Snapshot.Warnings)
        {
            output.WriteLine($"  warning    {warning}");
        }

        foreach (string fault in result.Faults)
        {
            output.WriteLine($"  WRONG      {fault}");
        }

        if (result.Options.UntilConverged)
        {
            output.WriteLine(result.Share.ConvergeSeconds is double seconds
                ? $"  converged  after {Quantity.Seconds(seconds)}"
                : $"  converged  no: {(result.Share.Interrupted ? "stopped" : "out of time")} after "
                    + $"{Quantity.Seconds(result.Share.Seconds)}{(result.Share.Interrupted ? "" : "; try a longer --timeout")}");
        }

        if (result.SavedNothing)
        {
            output.WriteLine("  nothing was saved, though there were duplicates: "
                + "use a longer --duration, or --until-converged, which scans on a busy machine too");
        }

        output.WriteLine(result.Verified
            ? $"  verified   every byte of {Quantity.Guests(result.Verdicts.Count)} is what that guest wrote last"
            : "  verified   NO");
    }
}
