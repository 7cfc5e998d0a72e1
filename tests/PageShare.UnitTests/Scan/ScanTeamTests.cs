using PageShare.Scan;

namespace PageShare.UnitTests.Scan;

public sealed class ScanTeamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 5)]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 1000)]
    public void EachPartIsDoneOnceWhenItReturns(int threads, int parts)
    {
        using var team = new ScanTeam(threads);
        for (var round = 0; round < 200; round++)
        {
            var times = new int[parts];

            Share(team, parts, part => times[part]++);

            Assert.All(times, static time => Assert.Equal(1, time));
        }
    }

    [Fact]
    public void PartsAreDoneSideBySideByAsManyThreadsAsThereAre()
    {
        using var team = new ScanTeam(3);
        using var all = new Barrier(3);

        // Nobody would come past the barrier if two parts were one thread's.
        Share(team, 3, _ => Assert.True(all.SignalAndWait(Patience)));

        Assert.True(team.HelperNanoseconds > 0);
    }

    [Fact]
    public void OneThreadDoesAllByItself()
    {
        using var team = new ScanTeam(1);
        var others = 0;

        Share(team, 100, Callers(() => others++));

        Assert.Equal(0, others);
        Assert.Equal(0, team.HelperNanoseconds);
    }

    [Fact]
    public void TheFirstFailureIsThrownOnceAllPartsAreDone()
    {
        using var team = new ScanTeam(3);
        var done = 0;

        var failure = Assert.Throws<InvalidOperationException>(() => Share(team, 50, part =>
        {
            Interlocked.Increment(ref done);
            if (part == 7)
            {
                throw new InvalidOperationException("part 7");
            }
        }));

        Assert.Equal("part 7", failure.Message);
        Assert.Equal(50, done);
        Share(team, 50, _ => Interlocked.Increment(ref done)); // and it goes on
        Assert.Equal(100, done);
    }

    [Fact]
    public void DisposeEndsTheHelpersAndLaterWorkIsDoneByWhoeverAsks()
    {
        var team = new ScanTeam(3);
        var helpers = new HashSet<Thread>();
        using var all = new Barrier(3);
        var caller = Thread.CurrentThread;
        Share(team, 3, _ =>
        {
            lock (helpers)
            {
                helpers.Add(Thread.CurrentThread);
            }

            Assert.True(all.SignalAndWait(Patience));
        });

        team.Dispose();

        Assert.Equal(3, helpers.Count);
        Assert.All(helpers.Where(thread => thread != caller), static helper => Assert.False(helper.IsAlive));
        var others = 0;
        Share(team, 100, Callers(() => others++));
        Assert.Equal(0, others);
        team.Dispose();
    }

    [Fact]
    public void AfterTheEndNobodyIsAtAPartAndNoneIsBegun()
    {
        using var team = new ScanTeam(3);
        for (var round = 0; round < 300; round++)
        {
            var (begun, done) = (0, 0);
            var work = team.Begin(100, _ =>
            {
                Interlocked.Increment(ref begun);
                Thread.SpinWait(50);
                Interlocked.Increment(ref done);
            });
            work.Finish(round % 20);

            work.End();

            var atEnd = Volatile.Read(ref begun);
            Assert.InRange(Volatile.Read(ref done), round % 20, atEnd);
            Assert.Equal(atEnd, done);
            Assert.False(work.HasMore);
            Assert.False(work.TryDoPart());
            Thread.Yield();
            Assert.Equal(atEnd, Volatile.Read(ref begun));
        }
    }

    [Fact]
    public void OnlyThePartsThatAreWaitedForAreDoneByTheCaller()
    {
        using var team = new ScanTeam(1);
        var done = new List<int>();
        var work = team.Begin(10, done.Add);

        work.Finish(3);
        Assert.Equal([0, 1, 2], done);
        work.Finish(2);
        work.Finish(4);

        Assert.Equal([0, 1, 2, 3], done);
        Assert.True(work.HasMore);
    }

    private static void Share(ScanTeam team, int parts, Action<int> doPart)
    {
        var work = team.Begin(parts, doPart);
        try
        {
            work.Finish(parts);
        }
        finally
        {
            work.End();
        }
    }

    private static Action<int> Callers(Action onOtherThread)
    {
        var caller = Environment.CurrentManagedThreadId;
        return _ =>
        {
            if (Environment.CurrentManagedThreadId != caller)
            {
                onOtherThread();
            }
        };
    }
}
