namespace PageShare.Workloads.Cow;

/// <summary>What <c>cow</c> was asked for.</summary>
/// <param name="Pages">Pages that are broken in one measurement, by all writers together.</param>
/// <param name="Repetitions">Measurements of each kind, of which the median counts.</param>
/// <param name="MostWriters">Writers: from one to so many.</param>
/// <param name="BreakPages">Most pages that one store breaks; null: the engine's default.</param>
/// <param name="Seed">Of contents and orders.</param>
internal sealed record CowOptions(int Pages, int Repetitions, int MostWriters, int? BreakPages, ulong Seed);
