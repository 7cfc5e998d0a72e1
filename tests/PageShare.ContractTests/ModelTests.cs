using System.Diagnostics;
using PageShare.Platform;

namespace PageShare.ContractTests;

/// <summary>
/// The Promela model of the page protocol, searched by spin: <c>tests/model/run</c>, which says what each check is.
/// </summary>
public sealed class ModelTests
{
    private const int ToolMissing = 77;

    public ModelTests() =>
        Assert.SkipUnless(HostPlatform.IsLinux, "needs Linux: the model is the same for all, and Debian has spin.");

    private static readonly string[] FaultModes = ["signal", "kernel"];
    private static readonly string[] WorldNames = ["io", "scanners", "sharing", "moves"];

    public static MatrixTheoryData<string, string> Worlds => new(FaultModes, WorldNames);

    [Theory, MemberData(nameof(Worlds))]
    public async Task NoOrderOfStepsLosesAWriteAndEachSeededFaultIsFound(string faultMode, string world)
    {
        var (exitCode, output) = await RunModel(faultMode, world);
        Assert.SkipWhen(exitCode == ToolMissing, output.Trim());

        Assert.True(exitCode == 0, output);
        var passed = output.Split('\n').Where(static line => line.StartsWith("ok ", StringComparison.Ordinal)).ToList();
        Assert.Contains(passed, static line => line.Contains(" correct: found nothing ", StringComparison.Ordinal));
        Assert.Contains(passed, static line => !line.Contains(": found nothing ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EveryCheckOfTheModelBelongsToOneOfTheseWorlds()
    {
        var (exitCode, output) = await RunModel("--list");

        Assert.True(exitCode == 0, output);
        var inModel = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => string.Join(' ', line.Split(' ').Take(2)))
            .ToHashSet();
        var tested = FaultModes.SelectMany(static mode => WorldNames.Select(world => $"{mode} {world}"));
        Assert.Equal(tested.ToHashSet(), inModel);
    }

    private static async Task<(int ExitCode, string Output)> RunModel(params string[] arguments)
    {
        var script = Path.Combine(FindRepository(), "tests", "model", "run");
        var start = new ProcessStartInfo("bash", [script, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var cancelled = TestContext.Current.CancellationToken;
            var errors = process.StandardError.ReadToEndAsync(cancelled);
            var output = await process.StandardOutput.ReadToEndAsync(cancelled) + await errors;
            await process.WaitForExitAsync(cancelled);
            return (process.ExitCode, output);
        }
        finally
        {
            process.Kill(entireProcessTree: true); // does nothing to one that has ended
        }
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PageShare.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException(
                $"No folder above {AppContext.BaseDirectory} has PageShare.sln: tests run from the repository.");
        }

        return folder.FullName;
    }
}
