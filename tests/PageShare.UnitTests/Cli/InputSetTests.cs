using Mono.Unix.Native;
using PageShare.Cli;
using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

public sealed class InputSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FoldersAreWalkedAndEmptyFilesLeftOut()
    {
        string deep = _folder.Write("a/b/deep", "1");
        string top = _folder.Write("top", "2");
        _folder.Write("a/empty", "");

        Assert.Equal([deep, top], Paths(InputSet.Find([_folder.Path])));
    }

    [Fact]
    public void FileThatIsNamedTwiceIsLoadedOnce()
    {
        string file = _folder.Write("file", "1");

        Assert.Equal([file], Paths(InputSet.Find([file, _folder.Path, file])));
    }

    [Fact]
    public void HiddenFilesCount()
    {
        string hidden = _folder.Write(".hidden", "1");

        Assert.Equal([hidden], Paths(InputSet.Find([_folder.Path])));
    }

    [Fact]
    public void CircleOfLinksEnds()
    {
        string file = _folder.Write("inner/file", "1");
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "inner", "circle"), _folder.Path);
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "again"), file);

        Assert.Equal([file], Paths(InputSet.Find([_folder.Path])));
    }

    [Fact]
    public void LinkThatIsNamedIsFollowed()
    {
        string file = _folder.Write("file", "1");
        string link = Path.Combine(_folder.Path, "link");
        File.CreateSymbolicLink(link, file);

        Assert.Equal([file], Paths(InputSet.Find([link])));
    }

    [Fact]
    public void LinkToItselfIsRefusedByName()
    {
        string link = Path.Combine(_folder.Path, "self");
        File.CreateSymbolicLink(link, link);

        AssertRefused(link, () => InputSet.Find([link]));
    }

    [Fact]
    public void MissingPathIsRefusedByName()
    {
        string missing = Path.Combine(_folder.Path, "missing");

        AssertRefused(missing, () => InputSet.Find([missing]));
        AssertRefused(missing, () => InputSet.FindImages([missing]));
    }

    [Fact]
    public void FileThatMayNotBeReadIsRefusedByName()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root may read every file");
        string secret = _folder.Write("secret", "1");
        Assert.Equal(0, Syscall.chmod(secret, 0));

        AssertRefused(secret, () => InputSet.Find([_folder.Path]));
    }

    [Fact]
    public void FolderWithoutContentIsRefusedByName()
    {
        _folder.Write("empty", "");

        AssertRefused(_folder.Path, () => InputSet.Find([_folder.Path]));
    }

    [Fact]
    public void EmptyImageIsRefusedByName()
    {
        string empty = _folder.Write("empty.ram", "");

        AssertRefused(empty, () => InputSet.FindImages([empty]));
    }

    [Fact]
    public void FolderAsImageIsRefusedByName() =>
        AssertRefused(_folder.Path, () => InputSet.FindImages([_folder.Path]));

    [Fact]
    public void SameImageTwiceIsTwoGuests()
    {
        string image = _folder.Write("vm.ram", "1");

        Assert.Equal([image, image], Paths(InputSet.FindImages([image, image])));
    }

    [Fact]
    public void SharedFrameworkFolderHasFiles() =>
        Assert.NotEmpty(InputSet.Find([InputSet.SharedFrameworkFolder]));

    private static IEnumerable<string> Paths(IEnumerable<InputFile> files) => files.Select(file => file.Path);

    private static void AssertRefused(string path, Action action)
    {
        var refused = Assert.Throws<CommandException>(action);
        Assert.Equal(ExitCode.BadUsage, refused.ExitCode);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }
}
