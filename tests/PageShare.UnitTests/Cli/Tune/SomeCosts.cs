using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

/// <summary>Costs as some machine had them, so that tests do not depend on the one that they run on.</summary>
internal static class SomeCosts
{
    public static MachineCosts Machine { get; } = new(
        new Costs
        {
            Prices = Prices(task => task switch
            {
                ScanTask.Settle => 300,
                ScanTask.CopyWalk or ScanTask.CopyQuery => 0,
                _ => Usual(task),
            }),
            Break = 15_000,
            BreakAhead = 2_600,
            TrackedStore = 1000,
        },
        new Costs
        {
            Prices = Prices(Usual),
            Break = 3200,
            BreakAhead = 0,
            TrackedStore = 1200,
        },
        Wake: 15_000,
        Pass: 50_000,
        CountMapping: 1000,
        TellsOfCopies: true);

    private static double[] Prices(Func<ScanTask, double> price) => [.. Enum.GetValues<ScanTask>().Select(price)];

    private static double Usual(ScanTask task) => task switch
    {
        ScanTask.Step => 1000,
        ScanTask.PassOver => 2,
        ScanTask.Walk or ScanTask.CopyWalk => 300,
        ScanTask.Stretch => 2000,
        ScanTask.SharedStretch => 6000,
        ScanTask.Residency => 70,
        ScanTask.Glance => 10,
        ScanTask.Look => 40,
        ScanTask.FirstHash => 500,
        ScanTask.Rehash => 400,
        ScanTask.Fill => 1500,
        ScanTask.Order => 3000,
        ScanTask.Seal => 7000,
        ScanTask.Merge => 1200,
        ScanTask.MergeRun => 6000,
        ScanTask.Zero => 1200,
        ScanTask.ZeroRun => 3000,
        ScanTask.Unshare => 12_000,
        ScanTask.UnsharePage => 2500,
        ScanTask.Settle => 5000,
        ScanTask.CopyQuery => 3000,
        _ => throw new ArgumentOutOfRangeException(nameof(task), task, null),
    };
}
