namespace PageShare.Workloads.Budget;

/// <summary>What was saved under one budget.</summary>
internal sealed record BudgetFigures
{
    /// <summary>Which memory: idle, active, or <see cref="BudgetResult.ActiveSince"/>.</summary>
    public required string Contents { get; init; }

    /// <summary>How stores to shared pages were caught.</summary>
    public required FaultMode FaultMode { get; init; }

    /// <summary>Most mappings that all guests together may take.</summary>
    public required int Budget { get; init; }

    /// <summary>Those that they took.</summary>
    public required long MappingsUsed { get; init; }

    /// <summary>Pages of all guests.</summary>
    public required long Pages { get; init; }

    /// <summary>Pages that exact sharing saves, zeros included.</summary>
    public required long OptimumPages { get; init; }

    /// <summary>Pages saved, by the kernel's count.</summary>
    public required long SavedPages { get; init; }

    /// <summary>Frames in use.</summary>
    public required long Frames { get; init; }

    /// <summary>Passes until two in a row merged nothing, or all that there was patience for.</summary>
    public required int Passes { get; init; }

    /// <summary>CPU time of these.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>What part of the optimum was saved.</summary>
    public double ShareOfOptimum => OptimumPages == 0 ? 1 : (double)SavedPages / OptimumPages;
}
