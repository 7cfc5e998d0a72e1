namespace PageShare.ArchitectureTests;

public sealed class SourceTests
{
    private static readonly string[] AllFolders = ["src", "native-interop", "tests", "bench", "tools"];
    private static readonly string[] ProductFolders = ["src", "tools"];
    private const string Platform = "src/PageShare.Primitives/Platform/";

    [Fact]
    public void NoFileIsLongerThanAReaderCanHold() =>
        AssertClean(SourceRules.TooLong, Repository.Files(AllFolders, ".cs", ".c", ".h"));

    [Fact]
    public void OnlyThePlatformAsksWhichSystemItRunsOn() => AssertClean(SourceRules.OsChecks, OutsidePlatform());

    [Fact]
    public void OnlyThePlatformImportsNativeCode() => AssertClean(SourceRules.NativeImports, OutsidePlatform());

    [Fact]
    public void UnsafeStandsOnlyWhereMemoryIsTheSubject() =>
        AssertClean(SourceRules.UnsafeOutsideAllowList, Repository.Files(ProductFolders, ".cs"));

    [Fact]
    public void EveryUnsafeSaysWhyItIsSafe() =>
        AssertClean(SourceRules.UnsafeWithoutSafety, Repository.Files(ProductFolders, ".cs"));

    [Fact]
    public void NoTestWaitsForTimeToPass() => AssertClean(SourceRules.Waits, Repository.Files(["tests"], ".cs"));

    [Fact]
    public void TheUnsafeAllowListNamesOnlyWhatExists() => Assert.All(UnsafeAllowList.Entries.Keys, entry =>
        Assert.True(Path.Exists(Path.Combine(Repository.Root, entry)), entry));

    private static IEnumerable<SourceFile> OutsidePlatform() => Repository.Files(ProductFolders, ".cs")
        .Where(file => !file.Path.StartsWith(Platform, StringComparison.Ordinal));

    private static void AssertClean(Func<SourceFile, IEnumerable<string>> rule, IEnumerable<SourceFile> files)
    {
        var all = files.ToList();
        Assert.NotEmpty(all);
        Clean.Assert(all.SelectMany(rule));
    }
}
