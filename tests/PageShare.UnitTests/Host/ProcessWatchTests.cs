using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using PageShare.Platform.Linux;
using PageShare.TestKit;

namespace PageShare.UnitTests.Host;

public sealed class ProcessWatchTests
{
    [Fact]
    public void EachEndIsToldOnceAndOnlyItsOwn()
    {
        using var watch = new ProcessWatch();
        const int Count = 20;
        var told = new int[Count];
        Process[] processes = [.. Enumerable.Range(0, Count).Select(static _ => Process.Start("sleep", ["1000"]))];
        WatchedProcess[] watched = [.. processes.Select((process, at) =>
            watch.Watch(Open(process), () => Interlocked.Increment(ref told[at])))];
        foreach (var process in processes.Where(static (_, at) => at % 2 == 0))
        {
            process.Kill();
            process.WaitForExit();
        }

        Until.True(() => told.Sum() == Count / 2, "half of the ends are told");
        Assert.All(told, (count, at) => Assert.Equal(1 - (at % 2), count));
        Assert.All(watched, static (process, at) => Assert.Equal(at % 2 == 0, process.HasEnded));
        watched[1].Dispose();
        foreach (var process in processes.Where(static (_, at) => at % 2 == 1))
        {
            process.Kill();
        }

        Until.True(() => told.Sum() == Count - 1, "all ends but the one that nobody watches are told");
        Assert.Equal(0, told[1]);
    }

    [Fact]
    public void AnEndBeforeTheWatchIsTold()
    {
        using var watch = new ProcessWatch();
        using var process = Process.Start("sleep", ["1000"]);
        var pidfd = Open(process);
        process.Kill();
        process.WaitForExit();
        using var told = new ManualResetEventSlim();
        watch.Watch(pidfd, told.Set);
        told.Wait(TestContext.Current.CancellationToken);
    }

    private static SafeFileHandle Open(Process process) => new(Libc.PidfdOpen(process.Id), ownsHandle: true);
}
