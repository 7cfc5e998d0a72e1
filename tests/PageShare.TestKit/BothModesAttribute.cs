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
