using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Budget;

/// <summary>What was asked for.</summary>
/// <param name="Trace">Which memory.</param>
/// <param name="Mappings">The budgets, for all guests together, ascending.</param>
/// <param name="Modes">How stores to shared pages are caught, one after the other.</param>
/// <param name="Seed">Of the order in which guests write.</param>
internal sealed record BudgetOptions(
    TraceChoice Trace, IReadOnlyList<int> Mappings, IReadOnlyList<FaultMode> Modes, ulong Seed);
