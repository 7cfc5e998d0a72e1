namespace PageShare.Cli.Run;

/// <summary>A guest, its record, and its working life: what one guest of a run is made of.</summary>
internal sealed record LoadedGuest(MappedGuest Guest, GuestRecord Record, GuestWorkload Workload);
