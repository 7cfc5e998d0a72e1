using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

public sealed class PriceFitTests
{
    [Fact]
    public void PricesAreThoseThatThePassesWereMadeOf()
    {
        double[] prices = Prices((ScanTask.Step, 900), (ScanTask.Merge, 1200), (ScanTask.MergeRun, 6000));
        ScanSample[] passes =
        [
            Pass(prices, (ScanTask.Step, 100)),
            Pass(prices, (ScanTask.Step, 10), (ScanTask.Merge, 1000), (ScanTask.MergeRun, 1000)),
            Pass(prices, (ScanTask.Step, 10), (ScanTask.Merge, 1000), (ScanTask.MergeRun, 10)),
            Pass(prices, (ScanTask.Step, 20), (ScanTask.Merge, 300), (ScanTask.MergeRun, 70)),
        ];

        double[] found = PriceFit.Find(passes);

        Assert.All(prices.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1.0));
    }

    [Fact]
    public void NoPriceIsBelowZero()
    {
        double[] prices = Prices((ScanTask.Step, 900));
        ScanSample dear = Pass(prices, (ScanTask.Step, 100));
        ScanSample cheap = Pass(prices, (ScanTask.Step, 90)) with { Counts = Counts((ScanTask.Step, 100), (ScanTask.Look, 50)) };

        double[] found = PriceFit.Find([dear, cheap]);

        Assert.DoesNotContain(found, price => price < 0);
        Assert.InRange(found[(int)ScanTask.Step], 800, 900);
    }

    private static ScanSample Pass(double[] prices, params (ScanTask Task, int Count)[] tasks) =>
        new(Counts(tasks), tasks.Sum(task => task.Count * prices[(int)task.Task]));

    private static long[] Counts(params (ScanTask Task, int Count)[] tasks)
    {
        var counts = new long[ScanWork.Tasks];
        foreach ((ScanTask task, int count) in tasks)
        {
            counts[(int)task] = count;
        }

        return counts;
    }

    private static double[] Prices(params (ScanTask Task, double Price)[] tasks)
    {
        var prices = new double[ScanWork.Tasks];
        foreach ((ScanTask task, double price) in tasks)
        {
            prices[(int)task] = price;
        }

        return prices;
    }
}
