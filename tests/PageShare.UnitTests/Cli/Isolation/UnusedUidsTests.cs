using PageShare.Cli.Processes;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Isolation;

public sealed class UnusedUidsTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void AccountsAndProcessesKeepTheirs()
    {
        _root.Write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\na:x:61000:61000::/:/bin/sh\nb:x:61002:1::/:/bin/sh\n");
        _root.Write("proc/17/status", "Name:\tsleep\nUid:\t61003\t61003\t61003\t61003\nGid:\t0\t0\t0\t0\n");
        _root.Write("proc/meminfo", "MemTotal: 1 kB\n");

        Assert.Equal([61001, 61004, 61005], UnusedUids.Take(3, _root.Path, start: 0));
    }

    [Fact]
    public void OthersBeginElsewhere()
    {
        IReadOnlyList<uint> one = UnusedUids.Take(4, _root.Path, start: 100);
        IReadOnlyList<uint> other = UnusedUids.Take(4, _root.Path, start: 104);

        Assert.Empty(one.Intersect(other));
    }

    [Fact]
    public void RangeGoesRoundAtItsEnd()
    {
        IReadOnlyList<uint> all = UnusedUids.Take(10_000, _root.Path, start: 4_400);

        Assert.Equal(all.Count, all.Distinct().Count());
        Assert.Equal(61_000u, all.Min());
        Assert.Equal(65_500u, all.Max());
    }
}
