using System.Text.Json.Nodes;
using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

public sealed class SettingsSearchTests
{
    private static readonly ChangeSchedule Schedule = new(MadeTraces.Make(2, 1500, 3, TimeSpan.FromSeconds(20)));

    // Two tests look at the same search.
    private static readonly Lazy<SettingsSearch> Unlimited = new(() => Run(null));

    [Fact]
    public void RecommendationKeepsToTheDefaultsCpuAndSavesNoLess()
    {
        SettingsSearch search = Unlimited.Value;

        Assert.True(search.Best.CpuPercent <= search.Defaults.CpuPercent);
        Assert.True(search.Best.MeanNetBytes >= search.Defaults.MeanNetBytes * 0.99);
    }

    [Fact]
    public void MoreCpuSavesMore()
    {
        SettingsSearch search = Run(50);

        Assert.True(search.Best.MeanNetBytes > search.Defaults.MeanNetBytes);
        Assert.True(search.Best.Options.TargetPassTime < new EngineOptions().TargetPassTime);
    }

    [Fact]
    public void LimitThatNothingKeepsGivesTheCheapest()
    {
        SettingsSearch search = Run(0.000001);

        Assert.Equal(search.Tried.Min(outcome => outcome.CpuPercent), search.Best.CpuPercent, 6);
    }

    [Fact]
    public void NothingOnTheFrontIsBeaten()
    {
        SettingsSearch search = Unlimited.Value;

        Assert.All(search.Front, point => Assert.DoesNotContain(search.Tried, other =>
            other.MeanNetBytes > point.MeanNetBytes && other.CpuPercent <= point.CpuPercent));
        Assert.Contains(search.Front, point => point.MeanNetBytes == search.Tried.Max(o => o.MeanNetBytes));
    }

    [Fact]
    public void ConfigurationIsTheHostsFormat()
    {
        var options = new EngineOptions
        {
            TargetPassTime = TimeSpan.FromMilliseconds(500),
            FaultMode = FaultMode.Kernel,
            MappingBudget = 900,
        };

        JsonObject engine = SettingsText.ToJson(options)["engine"]!.AsObject();

        Assert.Equal("500ms", engine["targetPassTime"]!.GetValue<string>());
        Assert.Equal("kernel", engine["faultMode"]!.GetValue<string>());
        Assert.Equal(900, engine["mappingBudget"]!.GetValue<int>());
        Assert.True(engine["trackWrites"]!.GetValue<bool>());
        Assert.Equal(25.0, engine["cpuBudgetPercent"]!.GetValue<double>());
        Assert.All(engine, setting => Assert.NotNull(typeof(EngineOptions).GetProperty(
            char.ToUpperInvariant(setting.Key[0]) + setting.Key[1..])));
    }

    [Fact]
    public void EverySettingHasASentence()
    {
        EngineOptions[] all =
        [
            new(),
            new()
            {
                TargetPassTime = TimeSpan.FromMinutes(30),
                StablePasses = 3,
                FaultMode = FaultMode.Kernel,
                MappingBudget = 100,
                TrackWrites = false,
                IdleThresholdPercent = 0,
            },
        ];

        Assert.All(all.SelectMany(SettingsText.Explain), setting => Assert.Matches("^[A-Z].*[.]$", setting.Meaning));
        Assert.Equal("the defaults", SettingsText.Difference(all[0], all[0]));
        Assert.Contains("stablePasses 3", SettingsText.Difference(all[1], all[0]), StringComparison.Ordinal);
    }

    private static SettingsSearch Run(double? limit)
    {
        var search = new SettingsSearch(Schedule, Simulate, limit);
        search.Run((_, _) => { });
        return search;
    }

    private static Outcome Simulate(EngineOptions options)
    {
        using var guests = new SimulatedGuests(Schedule.Trace, options, SomeCosts.Machine, 30_000);
        return new ScanLoop(Schedule, options, guests, SomeCosts.Machine).Run(TestContext.Current.CancellationToken);
    }
}
