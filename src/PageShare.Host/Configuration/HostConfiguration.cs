using System.Collections;
using Microsoft.Extensions.Logging;

namespace PageShare.Host.Configuration;

/// <summary>
/// All that a host is told: by a file, by variables of the environment above it, and by options above these. Immutable.
/// </summary>
/// <remarks>
/// <para>The file is JSON, with comments and trailing commas: <c>socket</c>, <c>http</c>, <c>log</c>, <c>engine</c>,
/// <c>limits</c>, <c>users</c>, <c>domains</c>. A key that is none of them is an error.</para>
/// <para>Variables are <c>PAGESHARE_</c> and the key, two underscores for a dot: <c>PAGESHARE_SOCKET</c>,
/// <c>PAGESHARE_ENGINE__CPU_BUDGET_PERCENT</c>. <c>PAGESHARE_CONFIG</c> names the file. Who may do what stands in the
/// file alone.</para>
/// </remarks>
public sealed record HostConfiguration
{
    /// <summary>Path of the socket to listen at.</summary>
    public string Socket { get; init; } = "";

    /// <summary>Where the page and the metrics are served; null: nowhere.</summary>
    public HttpAddress? Http { get; init; }

    /// <summary>The least important events that are logged.</summary>
    public LogLevel Log { get; init; } = LogLevel.Information;

    /// <summary>Settings of the engine.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>What clients may take of the host.</summary>
    public HostLimits Limits { get; init; } = new();

    /// <summary>Rules by a user's name, id, or <c>*</c>. Empty: only the user that runs the host.</summary>
    public IReadOnlyDictionary<string, UserRule> Users { get; init; } = new Dictionary<string, UserRule>();

    /// <summary>Share domains of several users, by name.</summary>
    public IReadOnlyDictionary<string, DomainRule> Domains { get; init; } = new Dictionary<string, DomainRule>();

    /// <summary>Where rules stand, for messages: the file, or what stands for none.</summary>
    public string Source { get; init; } = "configuration";

    /// <summary>What looks like a mistake but may be none, a sentence each; logged when the host starts.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads file, environment and options.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="environment">Variables; null for those of this process.</param>
    /// <exception cref="HostConfigurationException">Something can't be used; the message says what and
    /// where.</exception>
    public static HostConfiguration Load(HostOptions options, IReadOnlyDictionary<string, string>? environment = null)
    {
        environment ??= OfProcess();
        var reader = new ConfigurationReader();
        if ((options.File ?? environment.GetValueOrDefault("PAGESHARE_CONFIG")) is { Length: > 0 } file)
        {
            reader.ReadFile(file);
        }

        reader.ReadEnvironment(environment);
        foreach (var (key, value) in options.Settings)
        {
            reader.ReadText($"option {key}", key, value);
        }

        return reader.Finish(environment);
    }

    private static Dictionary<string, string> OfProcess() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(static entry => (string)entry.Key, static entry => (string)entry.Value!, StringComparer.Ordinal);
}
