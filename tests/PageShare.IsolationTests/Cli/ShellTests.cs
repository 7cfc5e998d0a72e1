using System.Diagnostics;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary>Completions in real shells, and the manual in a real formatter.</summary>
public sealed class ShellTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pageshare tu", "tune")]
    [InlineData("pageshare run --fault-mode k", "kernel")]
    [InlineData("pageshare scan --js", "--json")]
    public void BashCompletes(string line, string expected)
    {
        const string Bash = "/bin/bash";
        Assert.SkipUnless(File.Exists(Bash), $"needs bash: {Bash}");
        string script = Completion("bash");

        string said = Run(Bash, "--norc", "-c", $$"""
            source {{script}}
            complete -p pageshare >/dev/null || exit 1
            read -ra COMP_WORDS <<< "{{line}}"
            COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
            _pageshare
            echo "${COMPREPLY[@]}"
            """);

        Assert.Equal(expected, said.Trim());
    }

    [Fact]
    public void ZshLoadsItsCompletions()
    {
        const string Zsh = "/usr/bin/zsh";
        Assert.SkipUnless(File.Exists(Zsh), $"needs zsh: {Zsh}");

        string said = Run(
            Zsh,
            "-f",
            "-c",
            $"autoload -U compinit && compinit -D -u && source {Completion("zsh")} && echo $_comps[pageshare]");

        Assert.Equal("_pageshare", said.Trim());
    }

    [Fact]
    public void FishCompletes()
    {
        const string Fish = "/usr/bin/fish";
        Assert.SkipUnless(File.Exists(Fish), $"needs fish: {Fish}");

        string said = Run(Fish, "--no-config", "-c", $"source {Completion("fish")}; complete -C 'pageshare tune --ju'");

        Assert.Contains("--judge", said, StringComparison.Ordinal);
    }

    [Fact]
    public void ManualPageIsFormattedWithoutComplaint()
    {
        const string Groff = "/usr/bin/groff";
        Assert.SkipUnless(File.Exists(Groff), $"needs groff: {Groff}");
        string page = _folder.Write("pageshare.1", PageShareCommand.Run("man").Expect(0).Output);

        using Process process = Start(Groff, "-man", "-Tutf8", "-ww", page);
        string said = process.StandardOutput.ReadToEnd();
        string complaints = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.Empty(complaints);
        Assert.Contains("pageshare", said, StringComparison.Ordinal);
    }

    [Fact]
    public void VersionIsTold() => Assert.Matches(@"^\d+\.\d+\.\d+", PageShareCommand.Run("--version").Expect(0).Output);

    private string Completion(string shell) =>
        _folder.Write($"pageshare.{shell}", PageShareCommand.Run("completion", shell).Expect(0).Output);

    private static string Run(string shell, params string[] arguments)
    {
        using Process process = Start(shell, arguments);
        string said = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{shell} ended with {process.ExitCode}: {error}");
        return said;
    }

    private static Process Start(string program, params string[] arguments) => Process.Start(
        new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
