namespace PageShare.Host.Configuration;

/// <summary>The configuration can't be used. The message names where it stands, the key, and what is allowed.</summary>
public sealed class HostConfigurationException : Exception
{
    /// <summary>Says what is wrong with a value.</summary>
    /// <param name="source">A file's path, an environment variable, or an option.</param>
    /// <param name="key">The key, such as <c>engine.cpuBudgetPercent</c>; empty if the whole source is meant.</param>
    /// <param name="problem">What is wrong and what is allowed.</param>
    /// <param name="cause">What found it out, if anything.</param>
    public HostConfigurationException(string source, string key, string problem, Exception? cause = null)
        : base(key.Length == 0 ? $"{source}: {problem}" : $"{source}: {key}: {problem}", cause)
    {
        Key = key;
    }

    /// <summary>The key that is wrong; empty if the whole source is.</summary>
    public string Key { get; }
}
