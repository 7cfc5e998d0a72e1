namespace PageShare.Cli.Doctor;

/// <summary>Limits on what a process may have of: mappings, the capacity limit of sharing, and descriptors.</summary>
internal static class MappingChecks
{
    private const long PlentyOfMappings = 262_144;
    private const long RecommendedMappings = 1_048_576;
    private const long FewDescriptors = 1024;

    /// <summary>How many mappings sharing may use.</summary>
    public static Finding Mappings(MachineFacts facts)
    {
        const string Name = "vm.max_map_count";
        if (facts.MappingLimit is not long limit)
        {
            return new Finding(Name, FindingState.Note, "not known", "This system does not say how many mappings it allows.");
        }

        long budget = Math.Max(0, (limit / 2) - (facts.MappingsUsed ?? 0));
        string meaning = $"Each run of neighbouring shared pages takes one mapping, and sharing uses at most half of them less "
            + $"what the process has already: {Quantity.Count(budget)} here. ";
        return limit >= PlentyOfMappings
            ? new Finding(Name, FindingState.Good, Quantity.Count(limit), meaning + "That is plenty.")
            : new Finding(
                Name,
                FindingState.Limited,
                Quantity.Count(limit),
                meaning + "A busy guest of 512 MiB has 18,000 to 45,000 such runs: with several of them the longest runs are "
                    + "shared and the rest is not.",
                $"sysctl -w vm.max_map_count={RecommendedMappings}");
    }

    /// <summary>How many guests the limit on open files allows.</summary>
    public static Finding Descriptors(MachineFacts facts)
    {
        const string Name = "open files";
        return facts.DescriptorLimit switch
        {
            null => new Finding(Name, FindingState.Note, "not known", "Each guest takes a few descriptors."),
            <= FewDescriptors => new Finding(
                Name,
                FindingState.Limited,
                Quantity.Count(facts.DescriptorLimit.Value),
                "Each guest takes a few descriptors, and counting breaks by perf one for each thread and CPU: hundreds of "
                    + "guests or threads will not fit.",
                "ulimit -n 65536"),
            long limit => new Finding(
                Name, FindingState.Good, Quantity.Count(limit), "Each guest takes a few descriptors: enough for thousands."),
        };
    }
}
