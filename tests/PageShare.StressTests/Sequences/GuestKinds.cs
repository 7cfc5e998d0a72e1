using PageShare.Platform;

namespace PageShare.StressTests.Sequences;

/// <summary>What the number in a step that creates a guest means.</summary>
internal static class GuestKinds
{
    private static readonly bool CanAdopt = HostPlatform.Create().WhyNoAdoption is null;

    /// <summary>Memory that exists already, where the system can do that.</summary>
    public static bool IsAdopted(int value) => value == 7 && CanAdopt;

    public static string DomainOf(int value) => value % 3 == 0 ? "small" : "large";

    /// <summary>Where guests of both modes are wanted, every second one of each.</summary>
    public static FaultMode ModeOf(int value, IReadOnlyList<FaultMode> modes) => modes[value % modes.Count];
}
