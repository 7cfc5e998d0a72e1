using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace PageShare.TestKit;

/// <summary>Runs a theory in fault mode Signal and in Kernel, given as its only argument.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BothModesAttribute : DataAttribute
{
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([new TheoryDataRow<FaultMode>(FaultMode.Signal), new TheoryDataRow<FaultMode>(FaultMode.Kernel)]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}

/// <summary>
/// Runs a theory in both fault modes, with written pages told by the kernel and without, given as its two arguments.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EverySetupAttribute : DataAttribute
{
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([
            new TheoryDataRow<FaultMode, bool>(FaultMode.Signal, true),
            new TheoryDataRow<FaultMode, bool>(FaultMode.Signal, false),
            new TheoryDataRow<FaultMode, bool>(FaultMode.Kernel, true),
            new TheoryDataRow<FaultMode, bool>(FaultMode.Kernel, false),
        ]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}
