using System.Text.Json;
using System.Text.Json.Serialization;

namespace PageShare.Workloads.Reporting;

/// <summary>All that one call of the program found.</summary>
internal sealed record WorkloadReport
{
    /// <summary>What to say of a busy machine.</summary>
    public const string BusyWarning =
        "This machine was busy with other work: believe CPU times, and ratios within one run, more than the clock.";

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Where it ran.</summary>
    public required MachineFacts Machine { get; init; }

    /// <summary>Whether everything was made small.</summary>
    public required bool Quick { get; init; }

    /// <summary>The workloads' results, in the order in which they ran.</summary>
    public required IReadOnlyList<WorkloadResult> Workloads { get; init; }

    /// <summary>The whole of it as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            StartedAt,
            Machine,
            Quick,
            Workloads = Workloads.Select(static result => (object)result), // each with its own properties
        },
        Format);

    /// <summary>Writes it for people.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine(Machine);
        if (Machine.IsBusy)
        {
            output.WriteLine(BusyWarning);
        }

        foreach (var result in Workloads)
        {
            output.WriteLine();
            output.WriteLine($"== {result.Workload}: {result.Title}");
            if (result.Skipped is { } reason)
            {
                output.WriteLine($"  left out: {reason}");
                continue;
            }

            Array.ForEach([.. result.Notes], note => output.WriteLine($"  {note}"));
            Array.ForEach([.. result.Tables], table => table.Write(output));
            if (result.Bars.Count > 0)
            {
                ResultTable.Of(result.Bars).Write(output);
            }

            if (result.Fault is { } fault)
            {
                output.WriteLine($"  FAULT: {fault}");
            }
        }
    }
}
