using PageShare.Cli.Tune.Simulation;

namespace PageShare.Cli.Tune;

/// <summary>
/// Finds settings that save most within a CPU limit: a grid over what matters most, then one setting after the other,
/// from the best found so far and from the next that takes too much, until nothing helps any more.
/// </summary>
/// <param name="schedule">What the guests do.</param>
/// <param name="simulate">Tries settings; thread-safe.</param>
/// <param name="cpuLimitPercent">Most CPU of scanner and breaks, in percent of one core; null for that of the
/// defaults.</param>
internal sealed class SettingsSearch(
    ChangeSchedule schedule, Func<EngineOptions, Outcome> simulate, double? cpuLimitPercent)
{
    private const int MostRounds = 3;

    private const int RoundMappings = 100;

    // What a change must gain to be worth a line in a configuration; below it, the default is as good.
    private const double WorthwhileGain = 0.002;

    private static readonly double[] PassSeconds = [1, 2, 5, 10, 20, 60];
    private static readonly double[] FinerPassSeconds = [0.5, 3, 7, 15, 30, 40];
    private static readonly int[] StablePasses = [1, 2];
    private static readonly double[] CpuBudgets = [1, 2, 5, 10, 50];
    private static readonly int[] BackOffs = [1, 8, 16, 128];
    private static readonly double[] MappingShares = [0.1, 0.25, 0.5];
    private static readonly double[] FinerMappingShares = [0.05, 0.15, 0.35, 0.7];
    private static readonly int[] MinimumRates = [100, 4_000, 20_000];
    private static readonly double[] IdleThresholds = [0, 25, 75];

    private readonly Dictionary<EngineOptions, Outcome> _tried = [];

    /// <summary>All that was tried, in order.</summary>
    public IReadOnlyCollection<Outcome> Tried => _tried.Values;

    /// <summary>What the defaults give.</summary>
    public Outcome Defaults { get; private set; } = null!;

    /// <summary>What the recommended settings give.</summary>
    public Outcome Best { get; private set; } = null!;

    /// <summary>Settings of which none saves more at less CPU, by CPU.</summary>
    public IReadOnlyList<Outcome> Front
    {
        get
        {
            var front = new List<Outcome>();
            foreach (Outcome outcome in Tried.OrderBy(o => o.CpuPercent).ThenByDescending(o => o.MeanNetBytes))
            {
                if (front.Count == 0 || outcome.MeanNetBytes > front[^1].MeanNetBytes)
                {
                    front.Add(outcome);
                }
            }

            return front;
        }
    }

    /// <summary>Searches.</summary>
    /// <param name="progress">Is told how many settings were tried, of about how many.</param>
    public void Run(Action<int, int> progress)
    {
        var usual = new EngineOptions();
        Try([usual], progress);
        Defaults = _tried[usual];
        Best = Defaults;
        Try(Grid(usual), progress);
        for (int round = 0; round < MostRounds; round++)
        {
            Outcome before = Best;
            Outcome? beyond = Front.FirstOrDefault(outcome => outcome.CpuPercent > CpuLimit);
            Try([.. Neighbours(before.Options), .. beyond is null ? [] : Neighbours(beyond.Options)], progress);
            if (Best == before)
            {
                break;
            }
        }

        Simplify(usual, progress);
    }

    /// <summary>Most CPU that a recommendation may take.</summary>
    public double CpuLimit => cpuLimitPercent ?? Defaults.CpuPercent;

    private IEnumerable<EngineOptions> Grid(EngineOptions usual) =>
        from seconds in PassSeconds
        from stable in StablePasses
        from mode in Enum.GetValues<FaultMode>()
        from mappings in MappingBudgets(MappingShares).Prepend(null)
        select usual with
        {
            TargetPassTime = TimeSpan.FromSeconds(seconds),
            StablePasses = stable,
            FaultMode = mode,
            MappingBudget = mappings,
        };

    /// <summary>Shares of the mappings that the defaults take, rounded as people would.</summary>
    private IEnumerable<int?> MappingBudgets(double[] shares) => shares
        .Select(share => (int)(Defaults.Mappings * share / RoundMappings) * RoundMappings)
        .Select(mappings => (int?)Math.Max(RoundMappings, mappings))
        .Distinct();

    private IEnumerable<EngineOptions> Neighbours(EngineOptions best)
    {
        IEnumerable<EngineOptions> neighbours =
        [
            .. PassSeconds.Concat(FinerPassSeconds)
                .Select(seconds => best with { TargetPassTime = TimeSpan.FromSeconds(seconds) }),
            .. CpuBudgets.Select(percent => best with { CpuBudgetPercent = percent }),
            .. BackOffs.Select(passes => best with { BackOffMaximumPasses = passes }),
            .. MappingBudgets([.. MappingShares, .. FinerMappingShares]).Append(null)
                .Select(mappings => best with { MappingBudget = mappings }),
            .. StablePasses.Select(passes => best with { StablePasses = passes }),
            best with { TrackWrites = !best.TrackWrites },
        ];

        // Without a record of the machine's load it counts as idle, and these do nothing.
        return schedule.Trace.Moments.All(moment => moment.Load is null)
            ? neighbours
            : neighbours
                .Concat(MinimumRates.Select(rate => best with { MinimumPagesPerSecond = rate }))
                .Concat(IdleThresholds.Select(percent => best with { IdleThresholdPercent = percent }))
                .Append(best with { ScanWhenBusy = !best.ScanWhenBusy });
    }

    private void Try(IEnumerable<EngineOptions> settings, Action<int, int> progress)
    {
        EngineOptions[] news = [.. settings.Distinct().Where(options => !_tried.ContainsKey(options))];
        var outcomes = new Outcome[news.Length];
        int already = _tried.Count;
        int done = 0;
        Parallel.For(
            0,
            news.Length,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            i =>
            {
                outcomes[i] = simulate(news[i]);
                progress(already + Interlocked.Increment(ref done), already + news.Length);
            });

        // In order of asking, so that the result does not depend on which thread was faster.
        foreach (Outcome outcome in outcomes)
        {
            _tried.Add(outcome.Options, outcome);
            Best = Best is not null && !IsBetter(outcome, Best) ? Best : outcome;
        }
    }

    private bool IsBetter(Outcome outcome, Outcome than)
    {
        bool fits = Defaults is null || outcome.CpuPercent <= CpuLimit;
        bool thatFits = Defaults is null || than.CpuPercent <= CpuLimit;
        return fits == thatFits
            ? (fits ? outcome.MeanNetBytes > than.MeanNetBytes : outcome.CpuPercent < than.CpuPercent)
            : fits;
    }

    /// <summary>Goes back to the default wherever that costs next to nothing.</summary>
    private void Simplify(EngineOptions usual, Action<int, int> progress)
    {
        for (bool changed = true; changed;)
        {
            changed = false;
            Outcome best = Best;
            EngineOptions[] simpler = [.. SettingsText.WithOneOf(best.Options, usual)];
            Try(simpler, progress);
            Outcome? candidate = simpler.Select(options => _tried[options])
                .Where(outcome => outcome.CpuPercent <= Math.Max(CpuLimit, best.CpuPercent)
                    && outcome.MeanNetBytes >= best.MeanNetBytes * (1 - WorthwhileGain))
                .MaxBy(outcome => outcome.MeanNetBytes);
            if (candidate is not null)
            {
                Best = candidate;
                changed = true;
            }
        }
    }
}
