using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

/// <summary>The simulation beside the engine: the same trace, the same settings, the same virtual time.</summary>
public sealed class SimulationTests
{
    private const long MappingLimit = 30_000;
    private const double Tolerance = 0.05;

    [Theory]
    [InlineData(FaultMode.Signal, 1, null, true)]
    [InlineData(FaultMode.Signal, 2, null, true)]
    [InlineData(FaultMode.Signal, 1, 200, true)]
    [InlineData(FaultMode.Signal, 1, null, false)]
    [InlineData(FaultMode.Kernel, 1, null, true)]
    [InlineData(FaultMode.Kernel, 2, 200, true)]
    public void PredictedSavingIsThatOfTheEngine(FaultMode mode, int stablePasses, int? mappings, bool trackWrites)
    {
        var schedule = new ChangeSchedule(MadeTraces.Make(3, 4096, 4, TimeSpan.FromSeconds(20)));
        var options = new EngineOptions
        {
            PagesPerSecond = 3 * 4096 / 4, // a pace that does not follow what this machine's passes cost
            FaultMode = mode,
            StablePasses = stablePasses,
            MappingBudget = mappings,
            TrackWrites = trackWrites,
        };

        using var simulated = new SimulatedGuests(schedule.Trace, options, SomeCosts.Machine, MappingLimit);
        Outcome predicted = Run(schedule, options, simulated);
        using var real = new EngineGuests(schedule.Trace, options, MappingLimit);
        Outcome actual = Run(schedule, options, real);

        Assert.InRange(
            predicted.MeanSavedBytes, actual.MeanSavedBytes * (1 - Tolerance), actual.MeanSavedBytes * (1 + Tolerance));
        OutcomeSample end = actual.Samples[^1];
        Assert.InRange(
            predicted.Samples[^1].Guests.SavedPages,
            end.Guests.SavedPages * (1 - Tolerance),
            end.Guests.SavedPages * (1 + Tolerance));
        Assert.Equal(end.Guests.PopulatedPages, predicted.Samples[^1].Guests.PopulatedPages);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void PredictedBreaksAndChangesAreThoseOfTheEngine(int mostBreakPages)
    {
        var schedule = new ChangeSchedule(MadeTraces.Make(3, 4096, 4, TimeSpan.FromSeconds(20)));
        var options = new EngineOptions { PagesPerSecond = 3 * 4096 / 4, MaximumBreakPages = mostBreakPages };

        using var simulated = new SimulatedGuests(schedule.Trace, options, SomeCosts.Machine, MappingLimit);
        long predicted = Run(schedule, options, simulated).Samples[^1].Guests.Breaks;
        using var real = new EngineGuests(schedule.Trace, options, MappingLimit);
        long actual = Run(schedule, options, real).Samples[^1].Guests.Breaks;

        Assert.InRange(predicted, actual * (1 - Tolerance), actual * (1 + Tolerance));
        Assert.InRange(simulated.Changes, real.Changes * (1 - Tolerance), real.Changes * (1 + Tolerance));
    }

    [Fact]
    public void WhatCanBeSavedIsWhatCountingSays()
    {
        MemoryTrace trace = MadeTraces.Make(2, 3000, 3, TimeSpan.FromSeconds(5));
        var schedule = new ChangeSchedule(trace);

        Outcome outcome = Simulate(schedule, new EngineOptions());

        var memory = new Dictionary<(int, int), int>();
        foreach (PageStore store in schedule.Stores)
        {
            memory[(store.Guest, store.Page)] = store.Content;
        }

        long best = memory.Count - memory.Values.Where(content => content > 0).Distinct().Count();
        Assert.Equal(best, outcome.Samples[^1].Guests.BestPages);
    }

    [Fact]
    public void SameSettingsGiveTheSameOutcome()
    {
        var schedule = new ChangeSchedule(MadeTraces.Make(2, 2000, 3, TimeSpan.FromSeconds(10)));

        Assert.Equal(
            Simulate(schedule, new EngineOptions()).Samples,
            Simulate(schedule, new EngineOptions()).Samples);
    }

    [Fact]
    public void FasterPassesSaveSooner()
    {
        var schedule = new ChangeSchedule(MadeTraces.Make(2, 4000, 4, TimeSpan.FromSeconds(20)));

        Outcome slow = Simulate(schedule, new EngineOptions { TargetPassTime = TimeSpan.FromSeconds(20) });
        Outcome fast = Simulate(schedule, new EngineOptions { TargetPassTime = TimeSpan.FromSeconds(2) });

        Assert.True(fast.ConvergeSeconds < slow.ConvergeSeconds);
        Assert.True(fast.MeanNetBytes > slow.MeanNetBytes);
    }

    [Fact]
    public void BusyMachineIsScannedWithAHundredthOfACore()
    {
        MemoryTrace trace = MadeTraces.Make(2, 8000, 3, TimeSpan.FromSeconds(20));
        var busy = new ChangeSchedule(new MemoryTrace
        {
            Name = trace.Name,
            Guests = trace.Guests,
            Pages = trace.Pages,
            Contents = trace.Contents,
            Moments = [.. trace.Moments.Select(moment => moment with { Load = new IntervalLoad(10, 50) })],
        });
        var options = new EngineOptions { TargetPassTime = TimeSpan.FromSeconds(2), MinimumPagesPerSecond = 100 };

        Outcome held = Simulate(busy, options);
        double idle = Simulate(new ChangeSchedule(trace), options).MeanSavedBytes;
        Assert.InRange(held.ScannerCpuPercent, 0, 1.1);
        Assert.True(held.MeanSavedBytes < idle);
        double anyway = Simulate(busy, options with { ScanWhenBusy = true }).MeanSavedBytes;
        Assert.InRange(anyway, idle * (1 - Tolerance), idle * (1 + Tolerance));
    }

    private static Outcome Simulate(ChangeSchedule schedule, EngineOptions options)
    {
        using var guests = new SimulatedGuests(schedule.Trace, options, SomeCosts.Machine, MappingLimit);
        return Run(schedule, options, guests);
    }

    private static Outcome Run(ChangeSchedule schedule, EngineOptions options, IScannedGuests guests) =>
        new ScanLoop(schedule, options, guests, SomeCosts.Machine).Run(TestContext.Current.CancellationToken);
}
