using PageShare.Merge;

namespace PageShare.Scan;

/// <summary>What is wrong with scanning and what to do about it, in sentences for people.</summary>
internal static class ScanWarnings
{
    /// <summary>Those that hold now. Guard: the engine's lock.</summary>
    public static IEnumerable<string> Of(GuestRegistry registry, Scanner scanner)
    {
        if (scanner.HandlerWasReplaced)
        {
            yield return "Another SIGSEGV handler has replaced PageShare's: what is shared in mode Signal is unshared, "
                + "and nothing is merged any more. Install handlers before the first engine starts, and have them call "
                + "the one before them.";
        }

        foreach (var region in registry.Regions.Where(static region => region.Ring is not null))
        {
            if (region.HandlerWasReplaced)
            {
                yield return "Another SIGSEGV handler has replaced PageShare's in the process of guest "
                    + $"'{region.Spec.Name}', or there was none: nothing of it is merged any more.";
            }

            if (region.Ring!.WhyDistrusted is { } reason)
            {
                yield return $"Guest '{region.Spec.Name}' is not to be trusted, and is left alone: {reason}.";
            }
        }

        if (registry.OwnBudget.Limit <= 0)
        {
            yield return "There is no room for mappings: nothing but zero pages is shared. Raise vm.max_map_count.";
        }

        if (scanner.KernelBreaks.WhyNot.Length > 0)
        {
            yield return $"Breaks in mode Kernel are counted at the next pass, not at once: {scanner.KernelBreaks.WhyNot}";
        }

        if (scanner.Shortage is { } shortage)
        {
            yield return $"Scanning could not go on, and begins anew: {shortage}";
        }
    }
}
