using System.Text.Json;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>What the command says to those who ask for help, or ask for what can't be.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("")]
    [InlineData("no-such-command")]
    [InlineData("run --no-such-option")]
    [InlineData("run something")]
    [InlineData("run --guests none")]
    [InlineData("run --guests 0")]
    [InlineData("run --guests")]
    [InlineData("run --duration 0s")]
    [InlineData("run --fault-mode slow")]
    [InlineData("run --write-rate -5")]
    [InlineData("run --isolation container")]
    [InlineData("run --kill-host-after 5s --isolation none")]
    [InlineData("run --kill-host-after 5s --duration 5s")]
    [InlineData("run --kill-host-after 5s --until-converged")]
    [InlineData("host --set nonsense")]
    [InlineData("host --config /no/such/file")]
    [InlineData("host --http http://192.0.2.1:80")]
    [InlineData("status something")]
    [InlineData("top --interval never")]
    [InlineData("guest")]
    [InlineData("guest pause")]
    [InlineData("guest freeze web-1")]
    [InlineData("run --input /no/such/path")]
    [InlineData("run --image /no/such/path")]
    [InlineData("run --input /etc/passwd --image /etc/passwd")]
    [InlineData("doctor --no-such-option")]
    public void BadUsageIsToldOnStandardErrorWithItsOwnExitCode(string arguments)
    {
        CommandResult result = PageShareCommand.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Expect(2);

        Assert.Empty(result.Output);
        Assert.StartsWith("pageshare: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void UnusableFilesAreNamed()
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("empty.ram", "");

        Assert.Contains(empty, PageShareCommand.Run("run", "--image", empty).Expect(2).Error, StringComparison.Ordinal);
        Assert.Contains(
            folder.Path, PageShareCommand.Run("run", "--input", folder.Path).Expect(2).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void GuestsThatDoNotFitAreRefusedWithAdvice()
    {
        // A file of a tebibyte that takes no room: read, it would be all zeroes.
        using var folder = new TemporaryFolder();
        string path = folder.Write("huge.ram", "");
        using (FileStream huge = File.OpenWrite(path))
        {
            huge.SetLength(1L << 40);
        }

        CommandResult result = PageShareCommand.Run("run", "--image", path).Expect(1);

        Assert.Contains("TiB", result.Error, StringComparison.Ordinal);
        Assert.Contains("fewer images", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "pageshare run")]
    [InlineData("run --help", "--until-converged --json")]
    [InlineData("doctor --help", "pageshare doctor --json")]
    [InlineData("host --help", "--config /etc/pageshare/host.json")]
    [InlineData("status --help", "pageshare status --json")]
    [InlineData("top --help", "pageshare top --interval 5s")]
    [InlineData("guest --help", "pageshare guest resume web-1")]
    [InlineData("guest pause --help", "pageshare guest pause web-1")]
    public void HelpHasExamples(string arguments, string example)
    {
        CommandResult result = PageShareCommand.Run(arguments.Split(' ')).Expect(0);

        Assert.Contains("Examples:", result.Output, StringComparison.Ordinal);
        Assert.Contains(example, result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Fact]
    public void VersionIsANumber() =>
        Assert.Matches(@"^\d+\.\d+\.\d+", PageShareCommand.Run("--version").Expect(0).Output);

    [Fact]
    public void DoctorFindsThisMachineUsable()
    {
        CommandResult result = PageShareCommand.Run("doctor").Expect(0);

        Assert.Contains("vm.max_map_count", result.Output, StringComparison.Ordinal);
        Assert.Contains("PageShare works here.", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output);
    }

    [Fact]
    public void DoctorsJsonHasAllChecks()
    {
        JsonElement json = PageShareCommand.Run("doctor", "--json").Expect(0).Json;

        Assert.True(json.GetProperty("usable").GetBoolean());
        string[] names = [.. json.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()!)];
        string[] expected =
        [
            "kernel", "vm.max_map_count", "userfaultfd", "PAGEMAP_SCAN", "perf page-fault events", "KSM",
            "cgroup memory limit", "memory objects", "vm.overcommit_memory", "address randomization", "C compiler", "memory",
            "huge pages for shared memory",
        ];
        Assert.All(expected, name => Assert.Contains(name, names));
    }
}
