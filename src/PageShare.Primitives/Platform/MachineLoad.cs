namespace PageShare.Platform;

/// <summary>
/// How loaded the machine is, as counters since its start. One sample says nothing: policies compare two of them.
/// </summary>
/// <param name="Idle">CPU time of all cores spent idle, waiting for I/O included.</param>
/// <param name="Busy">CPU time of all cores spent working. What a hypervisor took away (steal) is in neither.</param>
/// <param name="CpuPressurePercent">
/// Percentage of the last ten seconds in which some task waited for a CPU; null where the system does not tell.
/// </param>
/// <param name="MemoryPressurePercent">The same for tasks that waited for memory.</param>
internal readonly record struct MachineLoad(
    TimeSpan Idle,
    TimeSpan Busy,
    double? CpuPressurePercent = null,
    double? MemoryPressurePercent = null);
