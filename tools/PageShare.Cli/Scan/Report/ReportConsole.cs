using PageShare.Cli.Doctor;
using Spectre.Console;

namespace PageShare.Cli.Scan.Report;

/// <summary>How reports look at a terminal and in files.</summary>
internal static class ReportConsole
{
    private const int WidthInFiles = 118;

    /// <summary>Where to write.</summary>
    public static IAnsiConsole Create(TextWriter output, bool toTerminal)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = toTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        if (!toTerminal)
        {
            console.Profile.Width = WidthInFiles;
        }

        return console;
    }

    /// <summary>A name and what is said of it, wrapped.</summary>
    public static void Lines(IAnsiConsole console, string name, string text)
    {
        string head = $"  {name,-11} ";
        foreach (string line in DoctorReport.Wrap(text, Math.Max(console.Profile.Width, 2 * head.Length) - head.Length))
        {
            console.WriteLine(head + line);
            head = new string(' ', head.Length);
        }
    }

    /// <summary>A table of numbers.</summary>
    public static Table NumberTable(params string[] headings)
    {
        Table table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        Array.ForEach(headings, heading => table.AddColumn(new TableColumn(heading).RightAligned()));
        return table;
    }
}
