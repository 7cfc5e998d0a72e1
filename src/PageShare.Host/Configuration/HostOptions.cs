namespace PageShare.Host.Configuration;

/// <summary>What the command line says: it stands above the environment, which stands above the file.</summary>
public sealed record HostOptions
{
    /// <summary>Path of the configuration file; null: none, or what <c>PAGESHARE_CONFIG</c> names.</summary>
    public string? File { get; init; }

    /// <summary>
    /// Values by key, such as <c>socket</c>, <c>http</c> or <c>engine.cpuBudgetPercent</c>, written as in the
    /// environment.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
