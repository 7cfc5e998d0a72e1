using System.Text.Json;
using System.Text.Json.Serialization;
using PageShare.Cli.Html;
using PageShare.Cli.Scan.Layout;

namespace PageShare.Cli.Scan.Report;

/// <summary>All that a scan found. Its names are those of the JSON.</summary>
internal sealed record ScanReport
{
    /// <summary>Bytes in a page.</summary>
    public int PageSize { get; init; } = Quantity.PageBytes;

    /// <summary>Whether every target was read to its end.</summary>
    public required bool Complete { get; init; }

    /// <summary>Whether the user stopped it.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>How pages were told apart.</summary>
    public string Equality { get; init; } = "XXH3, 128 bits";

    /// <summary>The share of contents that was looked at; null if all were.</summary>
    public required double? SampleRate { get; init; }

    /// <summary>Seconds of reading and counting.</summary>
    public required double Seconds { get; init; }

    /// <summary>Threads that read.</summary>
    public required int Threads { get; init; }

    /// <summary>Bytes that the tables of contents and positions took.</summary>
    public required long TableBytes { get; init; }

    /// <summary>Each target that could be read, as if it were alone.</summary>
    public required IReadOnlyList<TargetReport> Targets { get; init; }

    /// <summary>All of them together.</summary>
    public required TargetReport Total { get; init; }

    /// <summary>What is left if no target shares with another.</summary>
    public required DomainReport DomainPerGuest { get; init; }

    /// <summary>What compression would add; null if there is nothing that can't be shared.</summary>
    public required CompressionReport? Compression { get; init; }

    /// <summary>What went wrong.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>One JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ScanJsonContext.Default.ScanReport);
}

/// <summary>What was found in a target, or in all together. Estimates if a sample was taken.</summary>
internal sealed record TargetReport
{
    /// <summary>As on the command line.</summary>
    public required string Name { get; init; }

    /// <summary>image, core dump, process, guest, folder or total.</summary>
    public required string Kind { get; init; }

    /// <summary>Whether it was read to its end.</summary>
    public required bool Complete { get; init; }

    /// <summary>Pages read.</summary>
    public required long Pages { get; init; }

    /// <summary>Of these, all zero.</summary>
    public required long ZeroPages { get; init; }

    /// <summary>Distinct contents that are not zero.</summary>
    public required long DistinctPages { get; init; }

    /// <summary>Pages that are not zero and equal to an earlier one.</summary>
    public required long DuplicatePages { get; init; }

    /// <summary>Pages that sharing saves: all but one of each content, and zero pages.</summary>
    public required long SavedPages { get; init; }

    /// <summary>The same in bytes.</summary>
    public long SavedBytes => SavedPages * Quantity.PageBytes;

    /// <summary>Saved pages by pages.</summary>
    public double SavingRatio => Pages == 0 ? 0 : (double)SavedPages / Pages;

    /// <summary>
    /// Pages saved beyond what each target saves alone. Of a target: its contents that an earlier target has, so that
    /// all targets' add up to the total's.
    /// </summary>
    public required long CrossTargetSavedPages { get; init; }

    /// <summary>
    /// Pages that share already, and that are counted where they were first met; of a host's guests, freed zero pages too,
    /// which are counted nowhere else.
    /// </summary>
    public required long AlreadySharedPages { get; init; }

    /// <summary>Ranges of the estimates; null without a sample.</summary>
    public IntervalReport? Intervals { get; init; }

    /// <summary>Mappings that sharing all of it takes, frames in first-seen order; null in a sample.</summary>
    public long? MappingsNeeded { get; init; }

    /// <summary>Mappings that this target takes when all targets share; null in a sample.</summary>
    public long? MappingsTogether { get; init; }

    /// <summary>What a limited number of mappings saves, the longest runs first; null in a sample.</summary>
    public IReadOnlyDictionary<string, BudgetReport>? SavingByBudget { get; init; }

    /// <summary>How many contents have how many pages.</summary>
    public IReadOnlyList<SizeClass> ReferenceCounts { get; init; } = [];

    /// <summary>How many runs have how many pages; null in a sample.</summary>
    public IReadOnlyList<SizeClass>? RunLengths { get; init; }

    /// <summary>The commonest contents, in a sample of those in it.</summary>
    public IReadOnlyList<ContentReport> CommonestContents { get; init; } = [];

    /// <summary>What a reader of the figures must know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What its pages are if all targets share; null in a sample, and of the total.</summary>
    [JsonIgnore]
    public AddressMap? Map { get; init; }
}

/// <summary>Ranges that hold the true numbers in 95 of 100 samples: lower and upper end.</summary>
internal sealed record IntervalReport
{
    /// <summary>How often they do.</summary>
    public double Confidence { get; init; } = Estimate.Confidence;

    /// <summary>Of distinct contents.</summary>
    public required long[] DistinctPages { get; init; }

    /// <summary>Of saved pages.</summary>
    public required long[] SavedPages { get; init; }

    /// <summary>Of pages saved across targets.</summary>
    public required long[] CrossTargetSavedPages { get; init; }
}

/// <summary>What a budget of mappings saves.</summary>
/// <param name="Mappings">The budget.</param>
/// <param name="MappingsUsed">Mappings taken of it.</param>
/// <param name="SavedPages">Pages saved, zero pages among them.</param>
/// <param name="SavingRatio">Saved pages by pages.</param>
internal sealed record BudgetReport(long Mappings, long MappingsUsed, long SavedPages, double SavingRatio);

/// <summary>A common content.</summary>
/// <param name="Pages">Pages that have it.</param>
/// <param name="Head">Its first 16 bytes.</param>
/// <param name="What">What it is.</param>
internal sealed record ContentReport(long Pages, string Head, string What);

/// <summary>Sharing inside each target alone.</summary>
/// <param name="SavedPages">What it saves.</param>
/// <param name="LostPages">What it saves less than sharing among all.</param>
/// <param name="MappingsNeeded">Mappings that it takes in all; null in a sample.</param>
internal sealed record DomainReport(long SavedPages, long LostPages, long? MappingsNeeded)
{
    /// <summary>What it saves less, in bytes.</summary>
    public long LostBytes => LostPages * Quantity.PageBytes;
}

/// <summary>What compression would add on pages that nothing equals, from some of them.</summary>
internal sealed record CompressionReport
{
    /// <summary>What compressed.</summary>
    public required string Compressor { get; init; }

    /// <summary>Pages that can't be shared.</summary>
    public required long UniquePages { get; init; }

    /// <summary>Of these, how many were compressed.</summary>
    public required long SampledPages { get; init; }

    /// <summary>The share of them that compress to half a page or less.</summary>
    public required double ShareToHalf { get; init; }

    /// <summary>Size of what is compressed, by size before.</summary>
    public required double SizeRatio { get; init; }

    /// <summary>Bytes that it would save, if all of them were compressed.</summary>
    public required long SavedBytes { get; init; }

    /// <summary>The range that holds the true number in 95 of 100 samples.</summary>
    public required long[] SavedBytesInterval { get; init; }
}

/// <summary>Something that went wrong.</summary>
/// <param name="Target">The target's name.</param>
/// <param name="Message">What is wrong and what to do.</param>
internal sealed record ProblemReport(string Target, string Message);

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ScanReport))]
internal sealed partial class ScanJsonContext : JsonSerializerContext;
