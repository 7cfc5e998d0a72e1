using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class WorkPaceTests
{
    [Theory]
    [InlineData(0.4)]
    [InlineData(500)]
    [InlineData(123_456)]
    public void RateIsKeptHoweverOftenItIsAsked(double rate)
    {
        var pace = new WorkPace(rate);
        var random = new PageShare.Cli.Run.SeededRandom(1);
        TimeSpan elapsed = TimeSpan.Zero;
        long done = 0;

        while (elapsed < TimeSpan.FromSeconds(100))
        {
            elapsed += TimeSpan.FromMilliseconds(1 + random.Below(200));
            done += pace.Due(elapsed);
        }

        Assert.InRange(done, (rate * elapsed.TotalSeconds) - 1.01, rate * elapsed.TotalSeconds);
    }

    [Fact]
    public void BacklogOfMoreThanASecondIsForgotten()
    {
        var pace = new WorkPace(100);

        Assert.Equal(100, pace.Due(TimeSpan.FromMinutes(10)));
        Assert.Equal(0, pace.Due(TimeSpan.FromMinutes(10)));
    }

    [Fact]
    public void NoRateIsNoWork() => Assert.Equal(0, new WorkPace(0).Due(TimeSpan.FromHours(1)));
}
