namespace PageShare.ArchitectureTests.Checks;

public sealed class CSharpCodeTests
{
    [Theory]
    [InlineData("a // b", "a     ")]
    [InlineData("a /* b */ c", "a         c")]
    [InlineData("a /* b\nc */ d", "a     \n     d")]
    [InlineData("""x = "b\"b" + c;""", """x = "    " + c;""")]
    [InlineData("""x = @"b""b\" + c;""", """x = @"     " + c;""")]
    [InlineData("""x = "" + c;""", """x = "" + c;""")]
    [InlineData("x = '\"' + c;", "x = ' ' + c;")]
    [InlineData("""x = '\'' + c;""", """x = '  ' + c;""")]
    [InlineData("""x = $"b{c}b";""", """x = $" {c} ";""")]
    [InlineData("""x = $"b{c["d"]}b" + e;""", """x = $" {c[" "]} " + e;""")]
    [InlineData("""x = $"{{b}}" + c;""", """x = $"     " + c;""")]
    [InlineData(""""x = """b"b""" + c;"""", """"x = """   """ + c;"""")]
    [InlineData(""""x = $$"""b{b{{c}}""" + d;"""", """"x = $$"""    {c}}""" + d;"""")]
    [InlineData("#region it's\nunsafe", "#region it' \nunsafe")]
    public void CommentsAndTextsAreBlankedAndCodeIsKept(string source, string code) =>
        Assert.Equal(code, CSharpCode.In(source));

    [Fact]
    public void LinesStayWhereTheyAre()
    {
        const string Source = "/* a\nb */\nunsafe";

        Assert.Equal(3, CSharpCode.LineOf(Source, CSharpCode.In(Source).IndexOf("unsafe", StringComparison.Ordinal)));
    }
}
