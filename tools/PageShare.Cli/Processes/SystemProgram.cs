namespace PageShare.Cli.Processes;

/// <summary>Programs of the system that may be there or not.</summary>
internal static class SystemProgram
{
    /// <summary>The full path of a program in PATH; null if it isn't there.</summary>
    public static string? Find(string name) => Find(name, Environment.GetEnvironmentVariable("PATH") ?? "");

    internal static string? Find(string name, string path) => path
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);
}
