using Mono.Unix.Native;
using PageShare.Cli;
using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class FileTargetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FilesBeginOnPagesAndTheirTailsAreZero()
    {
        byte[] content = PageMix.Make(3, 41);
        content[0] = 9;
        content.AsSpan(4096, 2 * 4096).Fill(7);
        byte[] padded = [.. content[..5000], .. new byte[(2 * 4096) - 5000]];
        _folder.Write("in/a", content.AsSpan(0, 5000));
        _folder.Write("in/deep/b", padded);
        _folder.Write("in/.hidden", content.AsSpan(0, 1));
        _folder.Write("in/empty", "");

        ScanReport report = Scan(Path.Combine(_folder.Path, "in"));

        Assert.Equal(5, report.Total.Pages);
        Assert.Equal(2, report.Total.SavedPages);
        Assert.Equal("folder", report.Targets[0].Kind);
    }

    [Fact]
    public void FolderIsCountedAsSortingItsPagesDoes()
    {
        byte[][] files = [.. Enumerable.Range(0, 40).Select(i => PageMix.Make(1 + (i * 7), 100 + i))];
        for (int i = 0; i < files.Length; i++)
        {
            _folder.Write($"in/{i % 5}/{i}", files[i]);
        }

        TargetReport total = Scan(Path.Combine(_folder.Path, "in")).Total;

        SortedPages expected = SortedPages.Count(files);
        Assert.Equal(expected.Pages, total.Pages);
        Assert.Equal(expected.Distinct, total.DistinctPages);
    }

    [Fact]
    public void CircleOfLinksEndsAndIsTold()
    {
        _folder.Write("in/file", "1");
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "in", "circle"), _folder.Path);
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "in", "self"), Path.Combine(_folder.Path, "in", "self"));

        ScanReport report = Scan(Path.Combine(_folder.Path, "in"));

        Assert.Empty(report.Problems);
        Assert.Equal(1, report.Total.Pages);
        Assert.Contains("2 links", Assert.Single(report.Targets[0].Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void LinkThatIsNamedIsFollowed()
    {
        string link = Path.Combine(_folder.Path, "link");
        File.CreateSymbolicLink(link, _folder.Write("file.ram", new byte[4096]));

        Assert.Equal(1, Scan(link).Total.Pages);
    }

    [Fact]
    public void PipeInAFolderIsLeftOut()
    {
        _folder.Write("in/file", "1");
        Assert.Equal(0, Syscall.mkfifo(Path.Combine(_folder.Path, "in", "pipe"), FilePermissions.S_IRUSR));

        Assert.Equal(1, Scan(Path.Combine(_folder.Path, "in")).Total.Pages);
    }

    [Theory]
    [InlineData("missing", "does not exist")]
    [InlineData("empty", "is empty")]
    [InlineData("unaligned", "no whole number of pages")]
    [InlineData("self", "round in a circle")]
    [InlineData("circle", "round in a circle")]
    [InlineData("dangling", "is a link that leads nowhere")]
    [InlineData("pipe", "is empty, or no regular file")]
    [InlineData("empty-folder", "no file with content")]
    [InlineData("core", "cut off")]
    public void BadTargetIsNamedWithItsReasonAndTheOthersReported(string name, string reason)
    {
        string path = Path.Combine(_folder.Path, name);
        _folder.Write("empty", "");
        _folder.Write("unaligned", new byte[5000]);
        _folder.Write("core", new CoreDump().Add(4096, new byte[8192]).ToBytes().AsSpan(0, 9000));
        Directory.CreateDirectory(Path.Combine(_folder.Path, "empty-folder"));
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "self"), Path.Combine(_folder.Path, "self"));
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "circle"), "circle");
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "dangling"), Path.Combine(_folder.Path, "nowhere"));
        Assert.Equal(0, Syscall.mkfifo(Path.Combine(_folder.Path, "pipe"), FilePermissions.S_IRUSR));
        string good = _folder.Write("good.ram", PageMix.Make(10, 1));

        ScanReport report = Scan(good, path, good);

        ProblemReport problem = Assert.Single(report.Problems);
        Assert.Equal(path, problem.Target);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
        Assert.Equal([good, good], report.Targets.Select(target => target.Name));
        Assert.Equal(20, report.Total.Pages);
        Assert.False(report.Complete);
        Assert.Equal(ExitCode.Failed, ScanCommand.ExitCodeOf(report));
    }

    [Fact]
    public void FileThatMayNotBeReadIsNamedAndTheRestOfItsFolderCounted()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may read every file");
        _folder.Write("in/a", "1");
        string secret = _folder.Write("in/secret", new byte[500_000]);
        Assert.Equal(0, Syscall.chmod(secret, 0));

        ScanReport report = Scan(Path.Combine(_folder.Path, "in"));

        Assert.Contains(secret, Assert.Single(report.Problems).Message, StringComparison.Ordinal);
        Assert.Equal(1, report.Total.Pages);
    }

    [Theory]
    [InlineData("pid:")]
    [InlineData("pid:0")]
    [InlineData("pid:-1")]
    [InlineData("pid:12x")]
    [InlineData("pid:99999999999")]
    [InlineData("")]
    public void NameThatCanBeNoTargetIsBadUsage(string name)
    {
        var refused = Assert.Throws<CommandException>(() => Scan(name));

        Assert.Equal(ExitCode.BadUsage, refused.ExitCode);
    }

    private static ScanReport Scan(params string[] targets) =>
        ScanSession.Run(new ScanOptions { Targets = targets, Threads = 2 }, CancellationToken.None);
}
