using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Ksm;

/// <summary>What <c>ksm</c> was asked for.</summary>
/// <param name="Trace">Which memory.</param>
/// <param name="Limit">Longest time that one contender gets for one memory.</param>
/// <param name="Breaks">Pages whose break is timed.</param>
/// <param name="IsQuick">Whether the slow settings of KSM are tried on one memory only.</param>
/// <param name="Seed">Of which pages are broken.</param>
internal sealed record KsmOptions(TraceChoice Trace, TimeSpan Limit, int Breaks, bool IsQuick, ulong Seed);
