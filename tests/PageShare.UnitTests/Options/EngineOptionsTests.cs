using System.Globalization;

namespace PageShare.UnitTests.Options;

public sealed class EngineOptionsTests
{
    private static readonly EngineOptions Defaults = new();

    /// <summary>Each option just outside what is allowed, on both sides where there are two.</summary>
    public static TheoryData<string, EngineOptions> Refused => new()
    {
        { nameof(EngineOptions.FaultMode), Defaults with { FaultMode = (FaultMode)2 } },
        { nameof(EngineOptions.DefaultDomain), Defaults with { DefaultDomain = " " } },
        { nameof(EngineOptions.DefaultDomain), Defaults with { DefaultDomain = null! } },
        { nameof(EngineOptions.ScannerThreads), Defaults with { ScannerThreads = 0 } },
        { nameof(EngineOptions.ScannerThreads), Defaults with { ScannerThreads = 65 } },
        { nameof(EngineOptions.PagesPerSecond), Defaults with { PagesPerSecond = -1 } },
        { nameof(EngineOptions.MinimumPagesPerSecond), Defaults with { MinimumPagesPerSecond = 0 } },
        { nameof(EngineOptions.CpuBudgetPercent), Defaults with { CpuBudgetPercent = 0.09 } },
        { nameof(EngineOptions.CpuBudgetPercent), Defaults with { CpuBudgetPercent = 100.1 } },
        { nameof(EngineOptions.CpuBudgetPercent), Defaults with { CpuBudgetPercent = double.NaN } },
        { nameof(EngineOptions.CpuBudgetPercent), Defaults with { ScannerThreads = 2, CpuBudgetPercent = 200.1 } },
        { nameof(EngineOptions.IdleThresholdPercent), Defaults with { IdleThresholdPercent = -0.1 } },
        { nameof(EngineOptions.IdleThresholdPercent), Defaults with { IdleThresholdPercent = 100.1 } },
        { nameof(EngineOptions.TargetPassTime), Defaults with { TargetPassTime = TimeSpan.FromMilliseconds(99) } },
        { nameof(EngineOptions.TargetPassTime), Defaults with { TargetPassTime = TimeSpan.FromDays(1.1) } },
        { nameof(EngineOptions.PressureLimitPercent), Defaults with { PressureLimitPercent = 0 } },
        { nameof(EngineOptions.PressureLimitPercent), Defaults with { PressureLimitPercent = 101 } },
        { nameof(EngineOptions.StablePasses), Defaults with { StablePasses = 0 } },
        { nameof(EngineOptions.StablePasses), Defaults with { StablePasses = 4 } },
        { nameof(EngineOptions.BackOffMaximumPasses), Defaults with { BackOffMaximumPasses = 0 } },
        { nameof(EngineOptions.BackOffMaximumPasses), Defaults with { BackOffMaximumPasses = 129 } },
        { nameof(EngineOptions.MappingBudget), Defaults with { MappingBudget = -1 } },
        { nameof(EngineOptions.ReserveMappings), Defaults with { ReserveMappings = -1 } },
        { nameof(EngineOptions.ReserveMappings), Defaults with { ReserveMappings = 1025 } },
        { nameof(EngineOptions.BreakTimeout), Defaults with { BreakTimeout = TimeSpan.Zero } },
        { nameof(EngineOptions.BreakTimeout), Defaults with { BreakTimeout = TimeSpan.FromHours(2) } },
        { nameof(EngineOptions.MaximumBreakPages), Defaults with { MaximumBreakPages = 0 } },
        { nameof(EngineOptions.MaximumBreakPages), Defaults with { MaximumBreakPages = 513 } },
    };

    [Fact]
    public void DefaultsAreAllowed() => Defaults.Validate();

    [Fact]
    public void EndsOfTheRangesAreAllowed()
    {
        var lowest = new EngineOptions
        {
            PagesPerSecond = 0,
            MinimumPagesPerSecond = 1,
            CpuBudgetPercent = 0.1,
            IdleThresholdPercent = 0,
            PressureLimitPercent = 0.1,
            MappingBudget = 0,
            ReserveMappings = 0,
            BackOffMaximumPasses = 1,
        };
        var highest = new EngineOptions
        {
            ScannerThreads = 64,
            CpuBudgetPercent = 6400,
            IdleThresholdPercent = 100,
            PressureLimitPercent = 100,
            StablePasses = 3,
            BackOffMaximumPasses = 128,
            ReserveMappings = 1024,
        };

        lowest.Validate();
        highest.Validate();
    }

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void OptionOutsideItsRangeIsRefusedByName(string option, EngineOptions options)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(options.Validate);

        Assert.Equal(option, error.ParamName);
        Assert.StartsWith($"{option} is ", error.Message, StringComparison.Ordinal);
        Assert.Contains(", but must be ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MessageHasTheValueAndTheRangeInEveryCulture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            var error = Assert.Throws<ArgumentOutOfRangeException>(
                (Defaults with { CpuBudgetPercent = 100.5 }).Validate);

            Assert.Contains(
                "CpuBudgetPercent is 100.5, but must be between 0.1 and 100 percent of one core.",
                error.Message,
                StringComparison.Ordinal);
            Assert.Equal(100.5, error.ActualValue);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
