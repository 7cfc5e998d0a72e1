using System.CommandLine;
using System.Text;

namespace PageShare.Cli.Manual;

/// <summary>The manual page (man-pages(7), groff_man(7)).</summary>
internal static class ManualPage
{
    /// <summary>Writes it.</summary>
    public static string Write(RootCommand root)
    {
        CommandWords program = CommandWords.Of(root);
        IReadOnlyList<CommandWords> commands = CommandWords.Below(root);
        var page = new StringBuilder();
        page.Append($".TH PAGESHARE 1 \"\" \"pageshare {Product.Version}\" \"User Commands\"\n");
        page.Append(".SH NAME\npageshare \\- find equal pages in the memory of guests and keep each only once\n");
        page.Append(".SH SYNOPSIS\n");
        foreach (CommandWords command in commands)
        {
            string arguments = string.Concat(command.Arguments.Select(argument => $" {argument.Synopsis}"));
            page.Append($".B pageshare {Roff(command.Name)}\n[\\fIOPTION\\fR]...{Roff(arguments)}\n.br\n");
        }

        page.Append($".SH DESCRIPTION\n{Roff(program.Description)}\n.SH OPTIONS\n");
        AppendOptions(page, program);
        page.Append(".SH COMMANDS\n");
        foreach (CommandWords command in commands)
        {
            page.Append($".SS pageshare {Roff(command.Name)}\n{Roff(command.Description)}\n");
            foreach (ArgumentWords argument in command.Arguments)
            {
                page.Append($".TP\n.I {Roff(argument.Name)}\n{Roff(argument.Description)}\n");
            }

            AppendOptions(page, command);
            if (command.Notes.Length > 0)
            {
                // As it stands in the help: it is laid out by hand.
                page.Append($".PP\n.nf\n{Roff(command.Notes)}\n.fi\n");
            }

            AppendExamples(page, command);
        }

        page.Append(".SH EXAMPLES\n");
        AppendExamples(page, program);
        page.Append(".SH SEE ALSO\n.BR userfaultfd (2),\n.BR mincore (2),\n.BR proc (5)\n");
        return page.ToString();
    }

    private static void AppendOptions(StringBuilder page, CommandWords command)
    {
        foreach (OptionWords option in command.Options)
        {
            string names = string.Join("\\fR, \\fB", option.Names.Select(Roff));
            string value = option.Value.Length > 0 ? $" \\fI{Roff(option.Value)}\\fR" : "";
            page.Append($".TP\n\\fB{names}\\fR{value}\n{Roff(option.Description)}\n");
        }
    }

    private static void AppendExamples(StringBuilder page, CommandWords command)
    {
        foreach ((string what, string commandLine) in command.Examples)
        {
            page.Append($".PP\n{Roff(what)}\n.PP\n.nf\n.RS\n{Roff(commandLine)}\n.RE\n.fi\n");
        }
    }

    /// <summary>A backslash is markup, a hyphen may be set as another character, and a dot may begin a request.</summary>
    private static string Roff(string text) => string.Join('\n', text
        .Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Split('\n')
        .Select(line => line.StartsWith('.') || line.StartsWith('\'') ? $"\\&{line}" : line));
}
