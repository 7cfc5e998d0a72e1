using PageShare.Cli.Run;
using Spectre.Console;

namespace PageShare.UnitTests.Cli;

public sealed class ViewTests
{
    private static readonly LiveFigures Figures = new(
        TimeSpan.FromSeconds(7), Results.Snapshot(1024, 512), new KernelFigure(512 * 4096, null, 0));

    [Fact]
    public void LiveTableHasARowForEachGuestAndTheKernelsFigureBesideOurs()
    {
        string text = Rendered(LiveTable.Render(Figures, "a note"));

        string[] headings = ["guest", "size", "zero", "shared", "private", "breaks/s"];
        Assert.All(headings, heading => Assert.Contains(heading, text, StringComparison.Ordinal));
        string row = text.Split('\n').First(line => line.Contains("guest-1", StringComparison.Ordinal));
        string[] cells = ["4.0 MiB", "40.0 KiB", "100.0 KiB", "3.9 MiB", "17"];
        Assert.All(cells, cell => Assert.Contains(cell, row, StringComparison.Ordinal));
        Assert.Contains("2.0 MiB by our count; by the kernel's 2.0 MiB", text, StringComparison.Ordinal);
        Assert.Contains("a note", text, StringComparison.Ordinal);
    }

    [Fact]
    public void GuestNameWithBracketsIsNoMarkup()
    {
        var snapshot = Results.Snapshot(10, 5);
        snapshot = snapshot with { Guests = [snapshot.Guests[0] with { Name = "vm[1]" }] };

        Assert.Contains(
            "vm[1]", Rendered(LiveTable.Render(Figures with { Snapshot = snapshot }, "")), StringComparison.Ordinal);
    }

    [Fact]
    public void WarningsOfTheEngineAreShown()
    {
        const string Warning = "Somebody [replaced] the handler.";
        var snapshot = Results.Snapshot(10, 5) with { Warnings = [Warning] };
        var summary = new StringWriter();

        Summary.Write(summary, Results.Of() with { Snapshot = snapshot });

        Assert.Contains(Warning, summary.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            Warning, Rendered(LiveTable.Render(Figures with { Snapshot = snapshot }, "")), StringComparison.Ordinal);
    }

    [Fact]
    public void ProgressLineIsOneLineWithTheFiguresThatMatter()
    {
        string line = ProgressLines.Format(Figures);

        Assert.DoesNotContain('\n', line);
        Assert.Contains("7 s", line, StringComparison.Ordinal);
        Assert.Contains("saved 2.0 MiB", line, StringComparison.Ordinal);
        Assert.Contains("kernel's 2.0 MiB", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "verified   every byte")]
    [InlineData(true, "verified   NO")]
    public void SummarySaysWhetherEveryByteWasRight(bool wrong, string verdict)
    {
        var output = new StringWriter();

        Summary.Write(output, Results.Of(wrong: wrong ? "guest-1: page 7" : null));

        Assert.Contains(verdict, output.ToString(), StringComparison.Ordinal);
        Assert.Equal(wrong, output.ToString().Contains("guest-1: page 7", StringComparison.Ordinal));
    }

    [Fact]
    public void SummarySaysWhyNothingWasSaved()
    {
        var output = new StringWriter();

        Summary.Write(output, Results.Of(populated: 100, residentPages: 100));

        Assert.Contains("--until-converged", output.ToString(), StringComparison.Ordinal);
    }

    private static string Rendered(Spectre.Console.Rendering.IRenderable content)
    {
        var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = 120;
        console.Write(content);
        return output.ToString();
    }
}
