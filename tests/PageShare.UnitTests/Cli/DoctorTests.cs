using System.Text.Json;
using PageShare.Cli.Doctor;
using PageShare.Platform;

namespace PageShare.UnitTests.Cli;

public sealed class DoctorTests
{
    private static readonly ProbeResult Works = new(true, "");
    private static readonly ProbeResult Refused = new(false, "Operation not permitted (errno 1)");

    [Fact]
    public void LowMappingLimitComesWithTheCommandThatRaisesIt()
    {
        Finding finding = MappingChecks.Mappings(new MachineFacts { MappingLimit = 65530, MappingsUsed = 765 });

        Assert.Equal(FindingState.Limited, finding.State);
        Assert.Equal("sysctl -w vm.max_map_count=1048576", finding.Improve);
        Assert.Contains("32,000", finding.Meaning, StringComparison.Ordinal);
    }

    [Fact]
    public void HighMappingLimitIsGood()
    {
        Finding finding = MappingChecks.Mappings(new MachineFacts { MappingLimit = 1_048_576, MappingsUsed = 700 });

        Assert.Equal(FindingState.Good, finding.State);
        Assert.Null(finding.Improve);
    }

    [Theory]
    [InlineData("6.18.44-distribution-1", nameof(FindingState.Good))]
    [InlineData("6.7.0", nameof(FindingState.Good))]
    [InlineData("6.1.0-23-amd64", nameof(FindingState.Limited))]
    [InlineData("5.15.0", nameof(FindingState.Limited))]
    [InlineData("unheard-of", nameof(FindingState.Good))]
    [InlineData(null, nameof(FindingState.Unusable))]
    public void KernelIsJudgedByItsVersion(string? release, string state) =>
        Assert.Equal(Enum.Parse<FindingState>(state), KernelChecks.Version(new MachineFacts { KernelRelease = release }).State);

    [Fact]
    public void WhatTheKernelRefusesLimitsButDoesNotEndIt()
    {
        Assert.Equal(FindingState.Limited, KernelChecks.Userfaultfd(new MachineFacts(), Refused).State);
        Assert.Equal(FindingState.Limited, KernelChecks.PagemapScan(Refused).State);
        Assert.Equal(FindingState.Limited, KernelChecks.BreakEvents(new MachineFacts(), Refused).State);
        Assert.Contains(Refused.Detail, KernelChecks.PagemapScan(Refused).Found, StringComparison.Ordinal);
    }

    [Fact]
    public void ParanoidPerfSettingIsWhatTheCommandChanges()
    {
        Assert.Equal(
            "sysctl -w kernel.perf_event_paranoid=2",
            KernelChecks.BreakEvents(new MachineFacts { PerfEventParanoid = 4 }, Refused).Improve);
        Assert.Null(KernelChecks.BreakEvents(new MachineFacts { PerfEventParanoid = 2 }, Refused).Improve);
        Assert.Equal(FindingState.Good, KernelChecks.BreakEvents(new MachineFacts { PerfEventParanoid = 2 }, Works).State);
    }

    [Fact]
    public void StrictOvercommitLimits() =>
        Assert.Equal(FindingState.Limited, MemoryChecks.Overcommit(new MachineFacts { OvercommitMode = 2 }).State);

    [Fact]
    public void MissingCompilerComesWithThePackageToInstall() =>
        Assert.Equal("apt-get install gcc libc6-dev", MemoryChecks.Compiler(new MachineFacts()).Improve);

    [Theory]
    [InlineData(FaultMode.Signal)]
    [InlineData(FaultMode.Kernel)]
    public void EngineReallySharesInATrial(FaultMode mode)
    {
        Finding finding = EngineTrial.Try(mode);

        Assert.True(finding.State == FindingState.Good, finding.Meaning);
    }

    [Fact]
    public void OneUnusableFindingMakesTheMachineUnusable()
    {
        var good = new Finding("a", FindingState.Good, "", "");
        var limited = new Finding("b", FindingState.Limited, "", "");
        var unusable = new Finding("c", FindingState.Unusable, "", "");

        Assert.True(new DoctorReport { Findings = [good, limited] }.Usable);
        Assert.False(new DoctorReport { Findings = [good, unusable] }.Usable);
    }

    [Fact]
    public void JsonNamesStateFoundMeaningAndCommand()
    {
        var report = new DoctorReport { Findings = [new Finding("a", FindingState.Limited, "f", "m", "do this")] };

        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;

        Assert.True(json.GetProperty("usable").GetBoolean());
        JsonElement check = Assert.Single(json.GetProperty("checks").EnumerateArray());
        Assert.Equal("a", check.GetProperty("name").GetString());
        Assert.Equal("limited", check.GetProperty("state").GetString());
        Assert.Equal("f", check.GetProperty("found").GetString());
        Assert.Equal("m", check.GetProperty("meaning").GetString());
        Assert.Equal("do this", check.GetProperty("improve").GetString());
    }

    [Fact]
    public void TextIsBrokenBetweenWords()
    {
        Assert.Equal(["one two", "three", "extraordinary", "end"], DoctorReport.Wrap("one two three extraordinary end", 8));
    }
}
