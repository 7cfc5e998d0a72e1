using PageShare.Platform;

namespace PageShare.Cli.Doctor;

/// <summary>What the kernel offers: its version, and each feature as it answers when tried.</summary>
internal static class KernelChecks
{
    // PAGEMAP_SCAN and the asynchronous write-protection that it works with.
    private static readonly Version TrackingSince = new(6, 7);

    /// <summary>The kernel's version.</summary>
    public static Finding Version(MachineFacts facts)
    {
        string found = facts.KernelRelease is null ? "not Linux" : $"Linux {facts.KernelRelease}, {facts.Architecture}";
        if (facts.KernelRelease is null)
        {
            return new Finding("kernel", FindingState.Unusable, found, "PageShare runs on Linux (x86-64, arm64) so far.");
        }

        // "6.18.44-distribution-1": the first two numbers.
        string[] parts = facts.KernelRelease.Split('.', '-', '+');
        bool known = parts.Length > 1 && System.Version.TryParse($"{parts[0]}.{parts[1]}", out _);
        return known && System.Version.Parse($"{parts[0]}.{parts[1]}") < TrackingSince
            ? new Finding(
                "kernel",
                FindingState.Limited,
                found,
                "Sharing works. Kernels before 6.7 can't say cheaply which pages were written, so every pass has to hash all "
                    + "pages again. A newer kernel ends that.")
            : new Finding("kernel", FindingState.Good, found, "New enough for all that PageShare can use.");
    }

    /// <summary>userfaultfd with asynchronous write-protection.</summary>
    public static Finding Userfaultfd(MachineFacts facts, ProbeResult tried)
    {
        const string Name = "userfaultfd";
        string sysctl = facts.UnprivilegedUserfaultfd is long value ? $", vm.unprivileged_userfaultfd={value}" : "";
        return tried.Works
            ? new Finding(
                Name,
                FindingState.Good,
                $"works{sysctl}",
                "User-mode faults with asynchronous write-protection: written pages can be tracked. No setting is needed for "
                    + "that kind.")
            : new Finding(
                Name,
                FindingState.Limited,
                $"{tried.Detail}{sysctl}",
                "Sharing works. Written pages can't be tracked, so each pass has to hash all pages again. In a container a "
                    + "seccomp profile often forbids the call.",
                "docker run --security-opt seccomp=unconfined …");
    }

    /// <summary>The PAGEMAP_SCAN call.</summary>
    public static Finding PagemapScan(ProbeResult tried) => tried.Works
        ? new Finding(
            "PAGEMAP_SCAN", FindingState.Good, "works", "Written pages of a gigabyte are found in a millisecond.")
        : new Finding(
            "PAGEMAP_SCAN",
            FindingState.Limited,
            tried.Detail,
            "Sharing works. Which pages were written can't be asked cheaply; that needs Linux 6.7 or newer.");

    /// <summary>Whether breaks in fault mode Kernel can be counted as they happen.</summary>
    public static Finding BreakEvents(MachineFacts facts, ProbeResult tried)
    {
        const string Name = "perf page-fault events";
        string paranoid = facts.PerfEventParanoid is long value ? $", kernel.perf_event_paranoid={value}" : "";
        return tried.Works
            ? new Finding(
                Name,
                FindingState.Good,
                $"work{paranoid}",
                "In fault mode Kernel breaks are counted as they happen. Fault mode Signal does not need them.")
            : new Finding(
                Name,
                FindingState.Limited,
                $"{tried.Detail}{paranoid}",
                "In fault mode Kernel breaks are counted at the next pass, from the page table. Fault mode Signal counts "
                    + "exactly all the same.",
                facts.PerfEventParanoid > 2 ? "sysctl -w kernel.perf_event_paranoid=2" : null);
    }

    /// <summary>The kernel's own page sharing.</summary>
    public static Finding Ksm(MachineFacts facts) => facts.KsmRun switch
    {
        null => new Finding("KSM", FindingState.Note, "not in this kernel", "PageShare does not need it."),
        1 => new Finding(
            "KSM",
            FindingState.Note,
            "running",
            "The kernel merges private anonymous memory of programs that ask for it. Guests' memory is not of that kind, so the "
                + "two do not meet; its scanner takes CPU, though, and blurs measurements.",
            "echo 0 > /sys/kernel/mm/ksm/run"),
        _ => new Finding("KSM", FindingState.Good, "present, not running", "PageShare does not need it."),
    };

    /// <summary>Whether processes load at random addresses.</summary>
    public static Finding AddressRandomization(MachineFacts facts) => facts.AddressRandomization switch
    {
        null => new Finding("address randomization", FindingState.Note, "not known", "Fewer pages are equal with it."),
        0 => new Finding(
            "address randomization",
            FindingState.Note,
            "off",
            "More pages are equal between guests, since pointers are. Attackers like that too.",
            "sysctl -w kernel.randomize_va_space=2"),
        long mode => new Finding(
            "address randomization",
            FindingState.Good,
            $"on ({mode})",
            "Protects programs. It also makes pages that hold pointers differ: for a guest that you trust, "
                + "'setarch -R PROGRAM' starts it without, and far more of it can be shared."),
    };
}
