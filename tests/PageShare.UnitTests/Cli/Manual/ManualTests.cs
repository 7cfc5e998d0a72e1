using System.CommandLine;
using PageShare.Cli;
using PageShare.Cli.Manual;

namespace PageShare.UnitTests.Cli.Manual;

/// <summary>Manual page and completions speak of every command and option that there is.</summary>
public sealed class ManualTests
{
    private static readonly RootCommand Root = Program.CreateRoot();

    public static TheoryData<string> Shells => ["bash", "zsh", "fish"];

    [Theory]
    [MemberData(nameof(Shells))]
    public void CompletionsHaveEveryCommandAndOption(string shell)
    {
        string script = ScriptOf(shell);

        foreach (Command command in Root.Subcommands.Where(command => !command.Hidden))
        {
            Assert.Contains(command.Name, script, StringComparison.Ordinal);
            foreach (Option option in command.Options.Where(option => !option.Hidden))
            {
                string name = shell == "fish" ? $"-l {option.Name[2..]}" : option.Name;
                Assert.Contains(name, script, StringComparison.Ordinal);
            }
        }

        Assert.Contains("version", script, StringComparison.Ordinal);
        Assert.Contains("kernel", script, StringComparison.Ordinal); // a value of --fault-mode
    }

    [Fact]
    public void ManualHasEveryCommandOptionAndExample()
    {
        string page = ManualPage.Write(Root);

        foreach (Command command in Root.Subcommands.Where(command => !command.Hidden))
        {
            Assert.Contains($".SS pageshare {command.Name}", page, StringComparison.Ordinal);
            Assert.All(command.Options.Where(option => !option.Hidden), option => Assert.Contains(
                option.Name.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
            Assert.All(CommandWords.Of(command).Examples, example => Assert.Contains(
                example.CommandLine.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void HiddenCommandsAreInNeither()
    {
        Assert.DoesNotContain("pageshare completion", ManualPage.Write(Root), StringComparison.Ordinal);
        Assert.DoesNotContain("pageshare man", ManualPage.Write(Root), StringComparison.Ordinal);
        Assert.Contains(Root.Subcommands, command => command is { Name: "man", Hidden: true });
    }

    [Fact]
    public void NoLineOfTheManualIsTakenForARequestByAccident() => Assert.All(
        ManualPage.Write(Root).Split('\n').Where(line => line.StartsWith('.')),
        line => Assert.Matches("^[.](TH|SH|SS|TP|PP|B|BR|I|br|nf|fi|RS|RE)( |$)", line));

    private static string ScriptOf(string shell) => shell switch
    {
        "zsh" => ZshCompletion.Write(Root),
        "fish" => FishCompletion.Write(Root),
        _ => BashCompletion.Write(Root),
    };
}
