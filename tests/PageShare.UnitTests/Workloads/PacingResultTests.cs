using PageShare.Workloads.Pacing;

namespace PageShare.UnitTests.Workloads;

public sealed class PacingResultTests
{
    [Theory]
    [InlineData(5.0, true)]
    [InlineData(5.1, false)]
    public void EverySecondIsToKeepToTheBudget(double busiest, bool isReached)
    {
        var result = new PacingResult
        {
            Memory = "memory",
            FaultMode = FaultMode.Signal,
            BudgetPercent = 5,
            ScannerPercents = [1, busiest, 1],
            PagesWrittenPerSecond = 1,
            Rounds = [new PacingRound(1, 1, 0, 0, 0, 0)],
            Threads = 1,
        };
        Assert.Equal(isReached, result.Judge()[0].Reached);
    }
}
