using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Pacing;

/// <summary>What was asked for.</summary>
/// <param name="Trace">Which memory.</param>
/// <param name="BudgetPercent">The scanner's budget in the first part, in percent of a core.</param>
/// <param name="Seconds">How long the first part is watched.</param>
/// <param name="Rounds">How often guests work with and without sharing, in turns.</param>
/// <param name="RoundTime">How long each time.</param>
/// <param name="FaultMode">How stores to shared pages are caught.</param>
/// <param name="Seed">Of what guests read and write.</param>
internal sealed record PacingOptions(
    TraceChoice Trace, int BudgetPercent, int Seconds, int Rounds, TimeSpan RoundTime, FaultMode FaultMode, ulong Seed);
