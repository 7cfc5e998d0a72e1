using System.Reflection;

namespace PageShare.Host;

/// <summary>What a host says of itself.</summary>
/// <param name="HostId">Unique to this run.</param>
/// <param name="Version">For people.</param>
/// <param name="StartedAt">When it started.</param>
internal sealed record HostIdentity(Guid HostId, string Version, DateTimeOffset StartedAt)
{
    /// <summary>Of a host that starts now.</summary>
    public static HostIdentity Create() => new(Guid.NewGuid(), ProgramVersion, DateTimeOffset.UtcNow);

    private static string ProgramVersion =>
        typeof(HostIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            .Split('+')[0] ?? "unknown";
}
