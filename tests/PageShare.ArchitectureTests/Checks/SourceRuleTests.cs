namespace PageShare.ArchitectureTests.Checks;

/// <summary>The rules about sources can fail: each finds a tiny file that breaks it.</summary>
public sealed class SourceRuleTests
{
    private const string Allowed = "src/PageShare.Engine/Memory/Any.cs";

    [Fact]
    public void AFileOverTheLimitIsFound()
    {
        Assert.Empty(SourceRules.TooLong(new("a.cs", Lines(SourceRules.MostLines))));
        Assert.Equal(["a.cs has 401 lines"], SourceRules.TooLong(new("a.cs", Lines(SourceRules.MostLines + 1))));
    }

    [Theory]
    [InlineData("if (OperatingSystem.IsWindows()) { }")]
    [InlineData("RuntimeInformation.IsOSPlatform(OSPlatform.Linux);")]
    [InlineData("_ = Environment.OSVersion;")]
    public void ASystemCheckIsFound(string code) => Assert.Single(SourceRules.OsChecks(new("a.cs", code)));

    [Theory]
    [InlineData("[DllImport(\"c\")] static extern int getpid();")]
    [InlineData("[return: X]\n[LibraryImport(\"c\")] static partial int getpid();")]
    public void AnImportIsFound(string code) => Assert.Single(SourceRules.NativeImports(new("a.cs", code)));

    [Theory]
    [InlineData("Thread.Sleep(1);")]
    [InlineData("await Task.Delay(1);")]
    [InlineData("System.Threading.Thread . Sleep (1);")]
    public void AWaitForTimeIsFound(string code) => Assert.Single(SourceRules.Waits(new("a.cs", code)));

    [Theory]
    [InlineData("// Thread.Sleep would hide the race")]
    [InlineData("/* Thread.Sleep */")]
    [InlineData("var text = \"Thread.Sleep\";")]
    public void AWordInACommentOrTextIsNoViolation(string code) => Assert.Empty(SourceRules.Waits(new("a.cs", code)));

    [Fact]
    public void UnsafeOutsideTheAllowListIsFound()
    {
        const string Code = "// SAFETY: none\nunsafe { }";

        Assert.Equal(["src/Other.cs:2: unsafe"], SourceRules.UnsafeOutsideAllowList(new("src/Other.cs", Code)));
        Assert.Empty(SourceRules.UnsafeOutsideAllowList(new(Allowed, Code)));
    }

    [Theory]
    [InlineData("unsafe { *p = 1; }")]
    [InlineData("public unsafe void Write() { *_p = 1; }")]
    [InlineData("public unsafe void Write() => *_p = 1;")]
    [InlineData("public unsafe sealed class Bytes { byte* _p; int Read() => *_p; }")]
    [InlineData("unsafe struct Bytes { Head* _p; int Read() => _p->Length; }")]
    [InlineData("unsafe struct Bytes { byte* Start => (byte*)_start; }")]
    [InlineData("unsafe class Bytes { Span<byte> All => new Span<byte>(_p, _n); }")]
    [InlineData("unsafe { *p = 1; } // safe enough")]
    [InlineData("var text = \"// SAFE\"; unsafe { *p = 1; }")]
    public void UnsafeWithoutACommentIsFound(string code) =>
        Assert.Single(SourceRules.UnsafeWithoutSafety(new(Allowed, code)));

    [Theory]
    [InlineData("// SAFETY: p is ours\nunsafe { *p = 1; }")]
    [InlineData("unsafe\n{\n    // SAFETY: p is ours\n    *p = 1;\n}")]
    [InlineData("/// <summary>Writes.</summary>\npublic unsafe void Write()\n{\n    // SAFETY: p is ours\n}")]
    [InlineData("unsafe partial int Map(byte* at, int count = 0);")]
    [InlineData("internal unsafe struct Order { byte* From; byte* To; }")]
    [InlineData("internal unsafe interface IMemory { byte* At(int page); }")]
    public void UnsafeWithACommentOrWithoutCodeIsAllowed(string code) =>
        Assert.Empty(SourceRules.UnsafeWithoutSafety(new(Allowed, code)));

    [Fact]
    public void ACommentFarAwaySpeaksForATypeButNotForABlock()
    {
        var far = "// SAFETY: p is ours\n" + Lines(40);

        Assert.Empty(SourceRules.UnsafeWithoutSafety(new(Allowed, "unsafe struct Bytes { int Read() => *_p; }\n" + far)));
        Assert.Single(SourceRules.UnsafeWithoutSafety(new(Allowed, far + "unsafe { *p = 1; }")));
    }

    private static string Lines(int count) => string.Concat(Enumerable.Repeat("x\n", count));
}
