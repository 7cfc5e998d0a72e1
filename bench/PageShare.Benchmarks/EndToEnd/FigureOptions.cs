using System.Globalization;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>What <c>figures</c> was asked for.</summary>
internal sealed record FigureOptions
{
    public const string Usage = """
        Measures the whole engine on a large guest set: converge time, scanner CPU, merges, metadata, breaks,
        seal waits.

          figures [options]

          --guests N          guests (4)
          --size MIB          memory of each in MiB (1024)
          --run-pages N       pages of a run that guests have in common (64)
          --mode MODE         signal, kernel or both (both)
          --breaks N          stores to shared pages that are timed, sequential and random each (4096)
          --seed N            of contents and orders (1)
          --json              one object on standard output, all else on standard error
          --help              this text

        Half of each guest's pages are in all guests, in runs that lie in a different order in each; the other
        half exists once.
        Small, for a quick check: figures --size 32 --breaks 512
        """;

    public int Guests { get; init; } = 4;

    public int SizeMebibytes { get; init; } = 1024;

    public int RunPages { get; init; } = 64;

    public IReadOnlyList<FaultMode> Modes { get; init; } = [FaultMode.Signal, FaultMode.Kernel];

    public int Breaks { get; init; } = 4096;

    public ulong Seed { get; init; } = 1;

    public bool Json { get; init; }

    public bool Help { get; init; }

    /// <summary>Pages of each guest: whole runs, as many common ones as others.</summary>
    public int PagesPerGuest => SizeMebibytes * 256 / (2 * RunPages) * (2 * RunPages);

    /// <summary>The guests' contents.</summary>
    public GuestMix Mix => new(Guests, PagesPerGuest, RunPages, Seed);

    /// <summary>Bytes that all guests take before anything is shared.</summary>
    public long TotalBytes => Mix.TotalBytes;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="FormatException">It is wrong; the message says where.</exception>
    public static FigureOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new FigureOptions();
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            options = name switch
            {
                "--json" => options with { Json = true },
                "--help" or "-h" => options with { Help = true },
                _ when i + 1 < arguments.Length => options.With(name, arguments[++i]),
                _ => throw new FormatException($"'{name}' is unknown, or lacks its value."),
            };
        }

        return options.Checked();
    }

    private FigureOptions With(string name, string value) => name switch
    {
        "--guests" => this with { Guests = Number(name, value, 2, 64) },
        "--size" => this with { SizeMebibytes = Number(name, value, 1, 1 << 20) },
        "--run-pages" => this with { RunPages = Number(name, value, 1, 4096) },
        "--breaks" => this with { Breaks = Number(name, value, 1, 1 << 20) },
        "--seed" => this with { Seed = (ulong)Number(name, value, 0, int.MaxValue) },
        "--mode" => this with
        {
            Modes = value switch
            {
                "signal" => [FaultMode.Signal],
                "kernel" => [FaultMode.Kernel],
                "both" => [FaultMode.Signal, FaultMode.Kernel],
                _ => throw new FormatException($"--mode is signal, kernel or both, not '{value}'."),
            },
        },
        _ => throw new FormatException($"'{name}' is unknown."),
    };

    private FigureOptions Checked()
    {
        if (PagesPerGuest == 0)
        {
            throw new FormatException($"--size {SizeMebibytes} is less than two runs of --run-pages {RunPages}.");
        }

        // Each of the two kinds of break takes pages of its own, among those that are shared.
        var most = PagesPerGuest / 4;
        return Breaks <= most
            ? this
            : throw new FormatException($"--breaks is at most {most} for guests of this size.");
    }

    private static int Number(string name, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least && number <= most
            ? number
            : throw new FormatException($"{name} is a number from {least} to {most}, not '{value}'.");
}
