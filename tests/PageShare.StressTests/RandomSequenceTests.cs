using PageShare.Platform;
using PageShare.StressTests.Sequences;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.StressTests;

/// <summary>
/// Random sequences of all operations, one after another, on engines and on a naive model. Nothing races here, so a
/// failure repeats exactly, and what sharing comes to in the end can be held to the optimum.
/// </summary>
public sealed class RandomSequenceTests : EngineTest
{
    private const int Steps = 1500;
    private const int StepsShown = 12;

    public static TheoryData<int, FaultMode[], bool> Sequences
    {
        get
        {
            var data = new TheoryData<int, FaultMode[], bool>();
            for (var i = 0; i < 2; i++)
            {
                foreach (var behindRings in (bool[])[false, true])
                {
                    data.Add(Seeds.Seed + i, [FaultMode.Signal], behindRings);
                    data.Add(Seeds.Seed + i, [FaultMode.Kernel], behindRings);
                    data.Add(Seeds.Seed + i, [FaultMode.Signal, FaultMode.Kernel], behindRings);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sequences))]
    public void AnySequenceEndsWithTheModelsBytesAndTheLeastMemoryForThem(int seed, FaultMode[] modes, bool behindRings)
    {
        Assert.SkipWhen(
            behindRings && HostPlatform.Create().BetweenProcesses is null,
            "needs Linux: only there have guests processes of their own.");
        var engine = Start(TestEngine.Defaults with { MaximumBreakPages = 16, ScannerThreads = 1 + (seed & 1) });
        var steps = new List<Step>();
        var model = new NaiveGuests();
        using var guests = new EngineGuests(engine, modes, behindRings);
        try
        {
            var source = new StepSource(new Random(seed));
            while (steps.Count < Steps)
            {
                steps.Add(source.Next());
                guests.Apply(steps[^1], model);
                model.Apply(steps[^1]);
            }

            guests.CheckAll(model);
            guests.AdmitAll();
            engine.Converge();

            // Nobody may have read holes since the last pass, so this comes first.
            Assert.Equal(model.DistinctPages, MemoryObjects.AllPages);
            EngineBooks.Check(engine.Engine);
            guests.CheckAll(model);
            engine.Engine.UnshareAll();
            guests.CheckAll(model);
        }
        catch (Exception failure)
        {
            var last = string.Join('\n', steps.TakeLast(StepsShown));
            throw new InvalidOperationException(
                $"PAGESHARE_SEED={seed}, modes {string.Join('+', modes)}, rings {behindRings}, step {steps.Count} of {Steps}. "
                + $"{failure.Message}\n{last}",
                failure);
        }
    }
}
