using System.Reflection;

namespace PageShare.ArchitectureTests;

/// <summary>The sources of this repository, as the rules see them.</summary>
internal static class Repository
{
    private static readonly string[] BuildFolders = ["bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    public static string Root { get; } = typeof(Repository).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    /// <summary>Files with one of the extensions below one of the folders, build outputs left out.</summary>
    public static IReadOnlyList<SourceFile> Files(string[] folders, params string[] extensions)
    {
        var files = folders
            .Select(folder => Path.Combine(Root, folder))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Where(path => extensions.Contains(Path.GetExtension(path)))
            .Select(path => (Full: path, Short: Path.GetRelativePath(Root, path).Replace('\\', '/')))
            .Where(path => !path.Short.Split('/').Intersect(BuildFolders).Any())
            .OrderBy(path => path.Short, StringComparer.Ordinal);
        return [.. files.Select(path => new SourceFile(path.Short, File.ReadAllText(path.Full)))];
    }
}
