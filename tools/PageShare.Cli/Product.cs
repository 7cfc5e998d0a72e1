using System.Reflection;

namespace PageShare.Cli;

/// <summary>What this program is.</summary>
internal static class Product
{
    /// <summary>Its version, without the build's metadata.</summary>
    public static string Version { get; } = Assembly.GetExecutingAssembly()
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
