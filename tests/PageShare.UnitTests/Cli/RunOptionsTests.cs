using PageShare.Cli;
using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class RunOptionsTests
{
    [Fact]
    public void DefaultsAreThoseOfTheHelp()
    {
        RunOptions options = RunOptions.From(new RunRequest());

        Assert.Equal(4, options.Guests);
        Assert.Equal([InputSet.SharedFrameworkFolder], options.Inputs);
        Assert.Empty(options.Images);
        Assert.Equal(TimeSpan.FromSeconds(12), options.Duration);
        Assert.Equal(TimeSpan.FromSeconds(120), options.Timeout);
        Assert.Equal(500, options.WriteRate);
        Assert.Equal(FaultMode.Signal, options.FaultMode);
        Assert.False(options.UntilConverged);
        Assert.False(options.DomainPerGuest);
        Assert.False(options.Json);
    }

    [Fact]
    public void EachImageIsOneGuestThatDoesNotWrite()
    {
        RunOptions options = RunOptions.From(new RunRequest { Images = ["a", "b", "c"] });

        Assert.Equal(3, options.Guests);
        Assert.Equal(0, options.WriteRate);
        Assert.Empty(options.Inputs);
        Assert.True(WorkRates.Of(options).IsIdle);
    }

    [Fact]
    public void ImagesWorkWhenAskedTo()
    {
        RunOptions options = RunOptions.From(new RunRequest { Images = ["a", "b"], WriteRate = 100 });

        Assert.Equal(100, WorkRates.Of(options).WritesPerSecond);
        Assert.Equal(50, WorkRates.Of(options).Share(2).WritesPerSecond);
    }

    [Fact]
    public void UntilConvergedKeepsTheUsualWriteRate()
    {
        Assert.Equal(500, RunOptions.From(new RunRequest { UntilConverged = true }).WriteRate);
    }

    [Fact]
    public void SeedIsKeptIfGivenAndNewIfNot()
    {
        Assert.Equal(7, RunOptions.From(new RunRequest { Seed = 7 }).Seed);
        Assert.InRange(RunOptions.From(new RunRequest()).Seed, 0, long.MaxValue);
    }

    public static TheoryData<string, object> Contradictions => new()
    {
        { "--input", new RunRequest { Inputs = ["a"], Images = ["b"] } },
        { "--guests", new RunRequest { Guests = 3, Images = ["b"] } },
        { "--guests", new RunRequest { Guests = 0 } },
        { "--guests", new RunRequest { Guests = RunOptions.MostGuests + 1 } },
        { "--break-pages", new RunRequest { BreakPages = 0 } },
        { "--break-pages", new RunRequest { BreakPages = 513 } },
        { "--scanner-threads", new RunRequest { ScannerThreads = 0 } },
        { "--scanner-threads", new RunRequest { ScannerThreads = 65 } },
        { "--write-rate", new RunRequest { WriteRate = -1 } },
        { "--write-rate", new RunRequest { WriteRate = RunOptions.HighestWriteRate + 1 } },
        { "--seed", new RunRequest { Seed = -1 } },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void WhatDoesNotFitIsBadUsageThatNamesTheOption(string option, object request)
    {
        var refused = Assert.Throws<CommandException>(() => RunOptions.From((RunRequest)request));

        Assert.Equal(ExitCode.BadUsage, refused.ExitCode);
        Assert.Contains(option, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NumberOfGuestsThatEqualsTheImagesIsNoContradiction()
    {
        Assert.Equal(2, RunOptions.From(new RunRequest { Guests = 2, Images = ["a", "b"] }).Guests);
    }
}
