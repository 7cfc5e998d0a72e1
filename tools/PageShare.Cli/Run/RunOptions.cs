using PageShare.Platform;

namespace PageShare.Cli.Run;

/// <summary>How the guests of a run are kept apart.</summary>
internal enum IsolationKind
{
    /// <summary>They live in this process.</summary>
    None,

    /// <summary>Each lives in a process of its own, and a host shares their memory.</summary>
    Process,
}

/// <summary>What <c>pageshare run</c> was asked to do: checked, with all defaults filled in.</summary>
internal sealed record RunOptions
{
    /// <summary>Most guests of one run: each has a thread of its own.</summary>
    public const int MostGuests = 1024;

    /// <summary>Most pages a second that may be asked of the writers: far beyond what a machine can do.</summary>
    public const long HighestWriteRate = 100_000_000;

    /// <summary>Most pages that a store may be asked to break: those of one order.</summary>
    public const int MostBreakPages = 512;

    /// <summary>Pages per second that guests with input files write, all together, if nothing else is said.</summary>
    public const long UsualWriteRate = 500;

    private static readonly TimeSpan UsualDuration = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(120);

    /// <summary>Number of guests that load the input; with images there is one guest for each.</summary>
    public required int Guests { get; init; }

    /// <summary>Files and folders to load; empty with images.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Raw memory images, one guest each; empty with inputs.</summary>
    public required IReadOnlyList<string> Images { get; init; }

    /// <summary>How long to share, without <see cref="UntilConverged"/>.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Whether to share until nothing more can be merged.</summary>
    public required bool UntilConverged { get; init; }

    /// <summary>How long to try to converge.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Pages per second that all guests together write.</summary>
    public required long WriteRate { get; init; }

    /// <summary>How stores to shared pages are caught.</summary>
    public required FaultMode FaultMode { get; init; }

    /// <summary>Most pages that one store breaks.</summary>
    public required int BreakPages { get; init; }

    /// <summary>Threads that scan.</summary>
    public required int ScannerThreads { get; init; }

    /// <summary>Whether each guest has a share domain of its own.</summary>
    public required bool DomainPerGuest { get; init; }

    /// <summary>Where all random choices come from.</summary>
    public required long Seed { get; init; }

    /// <summary>Whether to print one JSON object instead of a summary.</summary>
    public required bool Json { get; init; }

    /// <summary>How guests are kept apart.</summary>
    public required IsolationKind Isolation { get; init; }

    /// <summary>When in the share phase to kill the host; null: never.</summary>
    public TimeSpan? KillHostAfter { get; init; }

    /// <summary>Whether guests are memory images.</summary>
    public bool HasImages => Images.Count > 0;

    /// <summary>Fills in the defaults and checks that what was asked fits together.</summary>
    /// <exception cref="CommandException">It does not; the exit code is that of bad usage.</exception>
    public static RunOptions From(RunRequest request)
    {
        bool hasImages = request.Images.Length > 0;
        if (hasImages && request.Inputs.Length > 0)
        {
            throw CommandException.BadUsage(
                "--input and --image exclude each other: guests either load files or are memory images.");
        }

        if (hasImages && request.Guests is int asked && asked != request.Images.Length)
        {
            throw CommandException.BadUsage(
                $"--guests {asked} does not fit {request.Images.Length} × --image: each image is one guest. Leave --guests out.");
        }

        int guests = hasImages ? request.Images.Length : request.Guests ?? 4;
        RequireRange("--guests", guests, 1, MostGuests);
        long writeRate = request.WriteRate ?? (hasImages ? 0 : UsualWriteRate);
        RequireRange("--write-rate", writeRate, 0, HighestWriteRate);
        long seed = request.Seed ?? Random.Shared.Next();
        RequireRange("--seed", seed, 0, long.MaxValue);

        int breakPages = request.BreakPages ?? new EngineOptions().MaximumBreakPages;
        RequireRange("--break-pages", breakPages, 1, MostBreakPages);
        int scannerThreads = request.ScannerThreads ?? new EngineOptions().ScannerThreads;
        RequireRange("--scanner-threads", scannerThreads, 1, EngineOptions.MostScannerThreads);

        TimeSpan duration = request.Duration ?? UsualDuration;
        return new RunOptions
        {
            Guests = guests,
            Inputs = hasImages || request.Inputs.Length > 0 ? request.Inputs : [InputSet.SharedFrameworkFolder],
            Images = request.Images,
            Duration = duration,
            UntilConverged = request.UntilConverged,
            Timeout = request.Timeout ?? UsualTimeout,
            WriteRate = writeRate,
            FaultMode = request.FaultMode ?? FaultMode.Signal,
            BreakPages = breakPages,
            ScannerThreads = scannerThreads,
            DomainPerGuest = request.DomainPerGuest,
            Seed = seed,
            Json = request.Json,
            Isolation = IsolationOf(request),
            KillHostAfter = KillHostAfterOf(request, duration),
        };
    }

    private static IsolationKind IsolationOf(RunRequest request)
    {
        // Guests in processes of their own need descriptors in messages and memfds: Linux.
        bool canIsolate = KernelProbe.IsLinux;
        if (request.Isolation == IsolationKind.Process && !canIsolate)
        {
            throw CommandException.BadUsage(
                "--isolation process works on Linux only: here guests live in this process, as --isolation none says.");
        }

        return request.Isolation ?? (canIsolate ? IsolationKind.Process : IsolationKind.None);
    }

    private static TimeSpan? KillHostAfterOf(RunRequest request, TimeSpan duration)
    {
        if (request.KillHostAfter is not TimeSpan delay)
        {
            return null;
        }

        if (IsolationOf(request) == IsolationKind.None)
        {
            throw CommandException.BadUsage(
                "--kill-host-after needs --isolation process: without, guests die with what shares their memory.");
        }

        if (request.UntilConverged || delay >= duration)
        {
            throw CommandException.BadUsage(
                "--kill-host-after must lie within the --duration, and does not go with --until-converged.");
        }

        return delay;
    }

    private static void RequireRange(string option, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            throw CommandException.BadUsage(most == long.MaxValue
                ? $"{option} {value} must not be below {least}."
                : $"{option} {value} is not between {least} and {most}.");
        }
    }
}

/// <summary>The options of <c>pageshare run</c> as they were given; null or empty where they were not.</summary>
internal sealed record RunRequest
{
    public int? Guests { get; init; }

    public string[] Inputs { get; init; } = [];

    public string[] Images { get; init; } = [];

    public TimeSpan? Duration { get; init; }

    public bool UntilConverged { get; init; }

    public TimeSpan? Timeout { get; init; }

    public long? WriteRate { get; init; }

    public FaultMode? FaultMode { get; init; }

    public int? BreakPages { get; init; }

    public int? ScannerThreads { get; init; }

    public bool DomainPerGuest { get; init; }

    public long? Seed { get; init; }

    public bool Json { get; init; }

    public IsolationKind? Isolation { get; init; }

    public TimeSpan? KillHostAfter { get; init; }
}
