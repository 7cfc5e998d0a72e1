namespace PageShare.ArchitectureTests;

public sealed class DependencyTests
{
    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    [InlineData("PageShare.Guest")]
    public void NoLayerUsesOneToItsRight(string assembly) =>
        Clean.Assert(Layers.OfPageShare.Violations(Read(assembly).Uses));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    [InlineData("PageShare.Guest")]
    public void EveryNamespaceHasItsPlaceInTheTable(string assembly) =>
        Clean.Assert(Layers.OfPageShare.Unplaced(Read(assembly).Uses));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    [InlineData("PageShare.Guest")]
    public void OnlyThePlatformAsksWhichSystemItRunsOn(string assembly) =>
        Clean.Assert(Read(assembly).OsChecksOutside("PageShare.Platform"));

    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Engine")]
    [InlineData("PageShare.Protocol")]
    [InlineData("PageShare.Guest")]
    public void OnlyThePlatformCallsNativeCode(string assembly) =>
        Clean.Assert(Read(assembly).NativeImportsOutside("PageShare.Platform"));

    /// <summary>
    /// A program that wants shared memory does not want an engine or a web server. What the runtime brings counts as
    /// nothing; ASP.NET's assemblies are not among that.
    /// </summary>
    [Theory]
    [InlineData("PageShare.Primitives")]
    [InlineData("PageShare.Protocol", "PageShare.Primitives")]
    [InlineData("PageShare.Guest", "PageShare.Primitives", "PageShare.Protocol")]
    public void WhatAGuestNeedsBringsNothingElse(string assembly, params string[] allowed) =>
        Assert.Empty(AssemblyReader.ReadReferences(PathOf(assembly))
            .Where(static name => !IsOfTheRuntime(name))
            .Except([.. allowed, "Mono.Posix.NETStandard"]));

    [Fact]
    public void NoLayerOfTheHostUsesOneToItsRight()
    {
        var uses = Read("PageShare.Host").Uses;
        Assert.Contains(uses, use => use is
        { FromNamespace: "PageShare.Host.Sessions", ToNamespace: "PageShare.Host.Guests" });
        Clean.Assert(Layers.OfTheHost.Violations(uses));
        Clean.Assert(Layers.OfTheHost.Unplaced(uses));
    }

    [Fact]
    public void TheHostLeavesNativeCodeAndTheSystemToThePlatform()
    {
        Clean.Assert(Read("PageShare.Host").NativeImportsOutside("PageShare.Platform"));
        Clean.Assert(Read("PageShare.Host").OsChecksOutside("PageShare.Platform"));
    }

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

    private static AssemblyFacts Read(string assembly) => AssemblyReader.Read(PathOf(assembly));

    private static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll");

    private static bool IsOfTheRuntime(string name) =>
        name is "netstandard" or "mscorlib" or "Microsoft.Win32.Primitives"
        || name.StartsWith("System.", StringComparison.Ordinal);
}
