using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class ConvergenceTests
{
    [Theory]
    [InlineData(new long[] { 0, 500, 0, 0 }, true)]
    [InlineData(new long[] { 0, 500, 0, 3, 0 }, false)]
    [InlineData(new long[] { 0, 500, 0, 3, 0, 0 }, true)]
    [InlineData(new long[] { 0, 0, 0 }, true)]
    [InlineData(new long[] { }, false)]
    public void TwoPassesInARowWithoutAMergeEndIt(long[] merged, bool reached)
    {
        var convergence = new Convergence();
        foreach (long pages in merged)
        {
            convergence.Add(new PassReport { Completed = true, PagesMerged = pages });
        }

        Assert.Equal(reached, convergence.IsReached);
    }

    [Fact]
    public void FirstPassProvesNothingSinceItOnlyLearnsHashes()
    {
        var convergence = new Convergence();
        convergence.Add(new PassReport { Completed = true });
        convergence.Add(new PassReport { Completed = true });

        Assert.False(convergence.IsReached);
    }

    [Fact]
    public void PassThatWasCutShortDoesNotCount()
    {
        var convergence = new Convergence();
        for (int i = 0; i < 5; i++)
        {
            convergence.Add(new PassReport { Completed = false });
        }

        Assert.Equal(0, convergence.Passes);
        Assert.False(convergence.IsReached);
    }
}
