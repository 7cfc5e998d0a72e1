namespace PageShare.ArchitectureTests;

public sealed class DependencyTests
{
    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    public void NoLayerUsesOneToItsRight(string assembly) =>
        Clean.Assert(Layers.OfPageShare.Violations(Read(assembly).Uses));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    public void EveryNamespaceHasItsPlaceInTheTable(string assembly) =>
        Clean.Assert(Layers.OfPageShare.Unplaced(Read(assembly).Uses));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    public void OnlyThePlatformAsksWhichSystemItRunsOn(string assembly) =>
        Clean.Assert(Read(assembly).OsChecksOutside("PageShare.Platform"));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    public void OnlyThePlatformCallsNativeCode(string assembly) =>
        Clean.Assert(Read(assembly).NativeImportsOutside("PageShare.Platform"));

    [Fact]
    public void TheAssembliesAreReadAtAll()
    {
        Assert.Contains(Read("PageShare.Primitives").Uses, use => use is
        { FromNamespace: "PageShare.PageTable", ToNamespace: "PageShare.Memory" });
        Assert.Contains(Read("PageShare.Engine").Uses, use => use is
        { FromNamespace: "PageShare.Scan", ToNamespace: "PageShare.Merge" });
        Assert.Contains(Read("PageShare.Primitives").NativeImports, import => import.FromNamespace.StartsWith(
            "PageShare.Platform", StringComparison.Ordinal));
    }

    private static AssemblyFacts Read(string assembly) =>
        AssemblyReader.Read(Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"));
}
