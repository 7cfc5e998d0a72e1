using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace PageShare.Cli.Doctor;

/// <summary>All findings about a machine, and how they are shown.</summary>
internal sealed record DoctorReport
{
    private const int WidthInFiles = 110;
    private const int Indent = 9;

    /// <summary>Whether nothing makes PageShare unusable.</summary>
    public bool Usable => Findings.All(finding => finding.State != FindingState.Unusable);

    /// <summary>What was found, in the order of asking.</summary>
    [JsonPropertyName("checks")]
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>One JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DoctorJsonContext.Default.DoctorReport);

    /// <summary>Writes it for people.</summary>
    public void Write(TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            Out = new AnsiConsoleOutput(output),
        });
        int width = Console.IsOutputRedirected ? WidthInFiles : console.Profile.Width;
        console.Profile.Width = width;
        foreach (Finding finding in Findings)
        {
            (string word, string color) = finding.State switch
            {
                FindingState.Good => ("good", "green"),
                FindingState.Note => ("note", "blue"),
                FindingState.Limited => ("limited", "yellow"),
                _ => ("UNUSABLE", "red"),
            };
            console.MarkupLineInterpolated($"[{color}]{word,-Indent}[/][bold]{finding.Name}[/]: {finding.Found}");
            foreach (string line in Wrap(finding.Meaning, width - Indent))
            {
                console.WriteLine(new string(' ', Indent) + line);
            }

            if (finding.Improve is string command)
            {
                console.MarkupLineInterpolated($"{"",Indent}[cyan]{command}[/]");
            }
        }

        console.WriteLine();
        console.WriteLine(Usable ? "PageShare works here." : "PageShare does not work here.");
        if (Findings.Any(finding => finding.Improve?.Contains("sysctl", StringComparison.Ordinal) == true))
        {
            console.WriteLine(
                "A sysctl needs root and lasts until the next boot; a line NAME=VALUE in a file below /etc/sysctl.d keeps it.");
        }
    }

    /// <summary>Breaks a text between words. Spectre's own way fills lines up with blanks.</summary>
    internal static IEnumerable<string> Wrap(string text, int width)
    {
        string line = "";
        foreach (string word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        yield return line;
    }
}

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    Converters = [typeof(FindingStateJsonConverter)])]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJsonContext : JsonSerializerContext;

/// <summary>Writes states as the words that people read.</summary>
internal sealed class FindingStateJsonConverter() : JsonStringEnumConverter<FindingState>(JsonNamingPolicy.CamelCase);
