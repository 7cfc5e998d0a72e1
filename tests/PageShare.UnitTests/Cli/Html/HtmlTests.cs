using System.Xml.Linq;
using PageShare.Cli.Html;

namespace PageShare.UnitTests.Cli.Html;

public sealed class HtmlTests
{
    private const string Nasty = "<script>alert('x')</script> & \"more\"";

    [Fact]
    public void PageIsWellFormedAndNothingInItIsMarkupByAccident()
    {
        HtmlPage page = Everything(Nasty);

        XElement parsed = Parse(page);

        Assert.Equal(Nasty, parsed.Descendants("h1").Single().Value);
        Assert.Empty(parsed.Descendants("script"));
        Assert.Contains(parsed.Descendants("td"), cell => cell.Value == Nasty);
    }

    [Fact]
    public void PageLoadsNothing()
    {
        string page = Everything("name").ToString();

        Assert.All(
            new[] { "src=", "href=", "url(", "@import", "http://", "https://", "<script" },
            forbidden => Assert.DoesNotContain(forbidden, page, StringComparison.OrdinalIgnoreCase));
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryDrawingHasATextAlternative()
    {
        XElement page = Parse(Everything("name"));

        XElement[] drawings = [.. page.Descendants("svg").Where(svg => svg.Attribute("aria-hidden") is null)];
        Assert.NotEmpty(drawings);
        Assert.All(drawings, svg =>
        {
            Assert.Equal("img", svg.Attribute("role")!.Value);
            Assert.NotEmpty(svg.Attribute("aria-label")!.Value);
        });
        Assert.All(page.Descendants("figure"), figure => Assert.NotEmpty(figure.Descendants("table")));
    }

    [Fact]
    public void EveryDrawingIsThereForPhoneAndDesktop()
    {
        XElement page = Parse(Everything("name"));

        Assert.All(page.Descendants("figure"), figure => Assert.Equal(
            ["wide", "narrow"],
            figure.Elements("svg").Select(svg => svg.Attribute("class")!.Value)));
    }

    [Theory]
    [InlineData(0, 3, new[] { 0.0, 1, 2, 3 })]
    [InlineData(9.5, 5, new[] { 0.0, 2, 4, 6, 8, 10 })]
    [InlineData(0.23, 4, new[] { 0.0, 0.1, 0.2, 0.3 })]
    public void AxesHaveRoundMarks(double most, int marks, double[] expected)
    {
        var axis = new Axis(most, marks);

        Assert.Equal(expected.Length, axis.Marks.Count());
        Assert.All(axis.Marks.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 9));
    }

    [Fact]
    public void AxisOfNegativeValuesShowsZeroToo()
    {
        var axis = new Axis(-1, 4, least: -7);

        Assert.Contains(axis.Marks, mark => Math.Abs(mark) < 1e-9);
        Assert.True(axis.Least <= -7);
    }

    [Fact]
    public void MapShowsWhatMostPagesOfACellAre()
    {
        var map = new AddressMap(4096);
        for (int page = 0; page < 4096; page++)
        {
            map.Add(page < 2048 ? PageUse.Shared : page % 4 == 0 ? PageUse.Private : PageUse.Zero);
        }

        Assert.Equal(1024, map.Cells);
        Assert.Equal(PageUse.Shared, map.UseOf(0));
        Assert.Equal(PageUse.Zero, map.UseOf(1023));
        Assert.Equal(512, map[PageUse.Private]);
    }

    [Fact]
    public void StyleSheetIsComplete()
    {
        Assert.Contains("prefers-color-scheme: dark", HtmlPage.Style, StringComparison.Ordinal);
        Assert.Equal(HtmlPage.Style.Count(c => c == '{'), HtmlPage.Style.Count(c => c == '}'));
    }

    private static HtmlPage Everything(string name)
    {
        var bars = new BarPlot(name, "bars") { Names = ("class", "value", "more") };
        bars.Bar(name, 3, "3", "x");
        bars.Bar("other", 0, "0", "y");
        var map = new AddressMap(3);
        map.Add(PageUse.Zero);
        map.Add(PageUse.Volatile);
        map.Add(PageUse.Volatile);
        var maps = new HeatMap("map", "cells", hasVolatile: true);
        maps.Guest(name, map);
        return new HtmlPage(name, "lead")
            .Tiles(new Tile(name, "1", "remark"))
            .Heading("plots")
            .Add(new LinePlot("lines", "go up") { X = Scale.Seconds("time"), Y = Scale.Bytes("saved") }
                .Curve("s1", name, [(0, 0), (1, 5000)])
                .Cloud("dot-quiet", "cloud", [(0.5, -100)])
                .Mark("f1", "mark", 1, 3))
            .Add(bars)
            .Add(maps)
            .Add(new HtmlTable("table", "a", "b") { Words = [1] }.Row("x", name).Total("y", "z"))
            .Notes([name])
            .Problems([name])
            .Code(name);
    }

    /// <summary>The page as XML, which it nearly is: only the two tags of its head have no end.</summary>
    private static XElement Parse(HtmlPage page)
    {
        string text = page.ToString();
        string body = text[text.IndexOf("<body>", StringComparison.Ordinal)..text.IndexOf("</html>", StringComparison.Ordinal)];
        return XElement.Parse(body);
    }
}
