using System.Diagnostics;
using System.Runtime.InteropServices;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>The packed tool, installed from a folder and from nowhere else.</summary>
public sealed class ToolPackageTests : IDisposable
{
    private const string PackageId = "PageShare.Cli";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void InstallsFromItsPackageAloneAndWorks()
    {
        string sdk = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        string? project = FindProject();
        Assert.SkipWhen(project is null, "needs the source tree");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Path.GetDirectoryName(sdk)!, "sdk")), "needs the .NET SDK");
        Run(sdk, "pack", project!, "-c", Configuration, "--no-build", "-o", _folder.Path, "--nologo");
        string sources = _folder.Write(
            "nuget.config",
            "<configuration><packageSources><clear/>"
                + $"<add key=\"here\" value=\"{_folder.Path}\"/></packageSources></configuration>");

        Run(sdk, "tool", "install", PackageId, "--tool-path", Tools, "--configfile", sources, "--add-source", _folder.Path);

        string image = _folder.Write("a.ram", MemoryImages.Make(50, seed: 1));
        string tool = Path.Combine(Tools, "pageshare");
        Assert.Contains("\"pages\": 50", Run(tool, "scan", image, "--json"), StringComparison.Ordinal);

        // Loads the native library, and shares and breaks pages with it.
        Assert.Contains("\"usable\": true", Run(tool, "doctor", "--json"), StringComparison.Ordinal);
    }

    private static string Configuration =>
        Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;

    private string Tools => Path.Combine(_folder.Path, "tools");

    private static string? FindProject()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string project = Path.Combine(folder, "tools/PageShare.Cli/PageShare.Cli.csproj");
            if (File.Exists(project))
            {
                return project;
            }
        }

        return null;
    }

    private string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        };
        start.Environment["DOTNET_CLI_HOME"] = Path.Combine(_folder.Path, "home");
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_folder.Path, "cache");
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {said}\n{errors.Result}");
        return said;
    }
}
