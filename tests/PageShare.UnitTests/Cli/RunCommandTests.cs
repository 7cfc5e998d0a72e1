using System.CommandLine;
using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class RunCommandTests
{
    [Fact]
    public void EveryOptionReachesTheRequest()
    {
        RunRequest request = RunCommand.Read(Parse(
            "--guests 8 --input a --input b --duration 2m --until-converged --timeout 500ms --write-rate 20000 "
            + "--fault-mode kernel --break-pages 4 --scanner-threads 2 --domain-per-guest --seed 42 --json"));

        Assert.Equal(8, request.Guests);
        Assert.Equal(["a", "b"], request.Inputs);
        Assert.Equal(TimeSpan.FromMinutes(2), request.Duration);
        Assert.True(request.UntilConverged);
        Assert.Equal(TimeSpan.FromMilliseconds(500), request.Timeout);
        Assert.Equal(20_000, request.WriteRate);
        Assert.Equal(FaultMode.Kernel, request.FaultMode);
        Assert.Equal(4, request.BreakPages);
        Assert.Equal(2, request.ScannerThreads);
        Assert.True(request.DomainPerGuest);
        Assert.Equal(42, request.Seed);
        Assert.True(request.Json);
    }

    [Fact]
    public void NothingGivenIsNothingRequested()
    {
        RunRequest request = RunCommand.Read(Parse(""));

        Assert.Null(request.Guests);
        Assert.Empty(request.Inputs);
        Assert.Empty(request.Images);
        Assert.Null(request.Duration);
        Assert.Null(request.Timeout);
        Assert.Null(request.WriteRate);
        Assert.Null(request.FaultMode);
        Assert.Null(request.BreakPages);
        Assert.Null(request.ScannerThreads);
        Assert.Null(request.Seed);
    }

    [Theory]
    [InlineData("--guests many")]
    [InlineData("--guests 99999999999")]
    [InlineData("--guests 2.5")]
    [InlineData("--duration 0s")]
    [InlineData("--timeout soon")]
    [InlineData("--write-rate fast")]
    [InlineData("--fault-mode Signal")]
    [InlineData("--seed 0x10")]
    [InlineData("--no-such-option")]
    [InlineData("something")]
    public void WhatIsNoValueIsAParseError(string arguments) => Assert.NotEmpty(Parse(arguments).Errors);

    [Fact]
    public void MessagesDoNotSpeakOfDotNetTypes()
    {
        string message = Assert.Single(Parse("--guests many").Errors).Message;

        Assert.Contains("--guests", message, StringComparison.Ordinal);
        Assert.Contains("many", message, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", message, StringComparison.Ordinal);
    }

    private static ParseResult Parse(string arguments) => RunCommand.Create().Parse(arguments);
}
