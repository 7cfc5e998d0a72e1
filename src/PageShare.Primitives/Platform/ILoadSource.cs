namespace PageShare.Platform;

/// <summary>Where the idle policy learns how busy the machine is.</summary>
internal interface ILoadSource
{
    /// <summary>Takes a sample. Any thread may call it.</summary>
    /// <returns>False where the system does not tell its load; callers then take it for busy.</returns>
    bool TryRead(out MachineLoad load);
}
