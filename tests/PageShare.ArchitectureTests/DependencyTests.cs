namespace PageShare.ArchitectureTests;

public sealed class DependencyTests
{
    private static readonly AssemblyFacts Engine =
        AssemblyReader.Read(Path.Combine(AppContext.BaseDirectory, "PageShare.Engine.dll"));

    [Fact]
    public void NoLayerUsesOneToItsRight() => Clean.Assert(Layers.OfPageShare.Violations(Engine.Uses));

    [Fact]
    public void EveryNamespaceHasItsPlaceInTheTable() => Clean.Assert(Layers.OfPageShare.Unplaced(Engine.Uses));

    [Fact]
    public void OnlyThePlatformAsksWhichSystemItRunsOn() =>
        Clean.Assert(Engine.OsChecksOutside("PageShare.Platform"));

    [Fact]
    public void OnlyThePlatformCallsNativeCode() => Clean.Assert(Engine.NativeImportsOutside("PageShare.Platform"));

    [Fact]
    public void TheEngineIsReadAtAll()
    {
        Assert.Contains(Engine.Uses, use => use is
        { FromNamespace: "PageShare.PageTable", ToNamespace: "PageShare.Memory" });
        Assert.Contains(Engine.NativeImports, import => import.FromNamespace.StartsWith(
            "PageShare.Platform", StringComparison.Ordinal));
    }
}
