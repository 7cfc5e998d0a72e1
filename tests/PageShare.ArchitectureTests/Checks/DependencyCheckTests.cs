namespace PageShare.ArchitectureTests.Checks;

/// <summary>The checks themselves can fail: they find what Samples.cs breaks, and nothing else.</summary>
public sealed class DependencyCheckTests
{
    private static readonly AssemblyFacts Facts =
        AssemblyReader.Read(typeof(DependencyCheckTests).Assembly.Location);

    private static readonly Layers SampleLayers = new(
        new() { ["Sample.Left"] = [], ["Sample.Right"] = ["Sample.Left"] }, []);

    [Theory]
    [InlineData("ByField")]
    [InlineData("ByBase")]
    [InlineData("ByConstraint`1")]
    [InlineData("BySignature")]
    [InlineData("ByBody")]
    [InlineData("ByStaticCall")]
    [InlineData("ByGenericMethod")]
    [InlineData("ByLambda")]
    [InlineData("ByTypeToken")]
    public void AUseAgainstTheArrowsIsFound(string type) =>
        Assert.Contains($"Sample.Left.{type} uses Sample.Right.Tool", SampleLayers.Violations(Facts.Uses));

    [Fact]
    public void AUseAlongTheArrowsIsAllowed()
    {
        Assert.Contains(Facts.Uses, use => use is { From: "Sample.Right.Tool", To: "Sample.Left.ByField" });
        Assert.DoesNotContain(SampleLayers.Violations(Facts.Uses), line => line.StartsWith(
            "Sample.Right", StringComparison.Ordinal));
    }

    [Fact]
    public void ANameInATextIsNoUse() =>
        Assert.DoesNotContain(Facts.Uses, use => use.From == "Sample.Left.Innocent");

    [Fact]
    public void ASystemCheckOutsideThePlatformIsFound() =>
        Assert.Equal(
            ["Sample.Left.ByTheOs asks System.OperatingSystem.IsLinux"], Facts.OsChecksOutside("Sample.Elsewhere"));

    [Fact]
    public void ASystemCheckInsideThePlatformIsAllowed() => Assert.Empty(Facts.OsChecksOutside("Sample.Left"));

    [Fact]
    public void AnImportOutsideThePlatformIsFound()
    {
        Assert.Equal(["Sample.Left.ByImport imports getpid"], Facts.NativeImportsOutside("Sample.Elsewhere"));
        Assert.Empty(Facts.NativeImportsOutside("Sample"));
    }

    [Theory]
    [InlineData("PageShare.Content", "PageShare.Fault", false)]
    [InlineData("PageShare.Fault", "PageShare.Content", false)]
    [InlineData("PageShare.Platform.Linux", "PageShare.Memory", false)]
    [InlineData("PageShare.Memory", "PageShare.Platform.Linux", true)]
    [InlineData("PageShare.Merge", "PageShare.Scan", false)]
    [InlineData("PageShare.Scan", "PageShare.Merge", true)]
    [InlineData("PageShare.Scan", "PageShare", false)]
    [InlineData("PageShare.Metrics", "PageShare.Fault", false)]
    [InlineData("PageShare.Fault", "PageShare.Metrics", false)]
    [InlineData("PageShare", "PageShare.Metrics", true)]
    public void TheTableKnowsTheArrows(string from, string to, bool isAllowed)
    {
        TypeUse[] uses = [new(from, from + ".User", to, to + ".Used")];

        Assert.Equal(isAllowed, !Layers.OfPageShare.Violations(uses).Any());
    }

    [Fact]
    public void OptionsMayBeNamedAnywhereButNameNoLayer()
    {
        TypeUse named = new("PageShare.Scan", "PageShare.Scan.Pacer", "PageShare", "PageShare.EngineOptions");
        TypeUse naming = new("PageShare", "PageShare.EngineOptions", "PageShare.Scan", "PageShare.Scan.Pacer");

        Assert.Equal(
            ["PageShare.EngineOptions uses PageShare.Scan.Pacer"], Layers.OfPageShare.Violations([named, naming]));
    }

    [Fact]
    public void ANamespaceOutsideTheTableIsFound()
    {
        TypeUse[] uses = [new("PageShare.Utils", "PageShare.Utils.Bag", "PageShare.Memory", "PageShare.Memory.Any")];

        Assert.Equal(["PageShare.Utils"], Layers.OfPageShare.Unplaced(uses));
    }
}
