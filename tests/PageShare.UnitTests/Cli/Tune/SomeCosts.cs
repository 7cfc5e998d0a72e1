using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

/// <summary>Costs as some machine had them, so that tests do not depend on the one that they run on.</summary>
internal static class SomeCosts
{
    public static MachineCosts Machine { get; } = new(
        new Costs
        {
            PassOver = 2,
            Look = 60,
            LookAmongShared = 70,
            Turn = 1500,
            FirstHash = 1200,
            Rehash = 550,
            Fill = 1500,
            Merge = 1500,
            MergeRun = 13_000,
            Zero = 1500,
            ZeroRun = 8000,
            Break = 15_000,
            Settle = 0,
            TrackedStore = 1000,
        },
        new Costs
        {
            PassOver = 40,
            Look = 110,
            LookAmongShared = 120,
            Turn = 1500,
            FirstHash = 1200,
            Rehash = 550,
            Fill = 1500,
            Merge = 1500,
            MergeRun = 14_000,
            Zero = 1500,
            ZeroRun = 8000,
            Break = 3200,
            Settle = 10_000,
            TrackedStore = 1200,
        },
        Wake: 30_000,
        Pass: 100_000);
}
