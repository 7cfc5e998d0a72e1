namespace PageShare.Cli.Processes;

/// <summary>Copies this program to where every user can read it: it may lie under /root, or in a folder of one
/// user.</summary>
internal static class StagedProgram
{
    // What the runtime loads. The folder may have much beside: symbols, documentation, another program's files.
    private static readonly string[] Endings = [".dll", ".so", ".json"];

    /// <summary>Copies it.</summary>
    /// <param name="folder">A folder that does not exist yet.</param>
    public static ChildProgram CopyTo(string folder)
    {
        Copy(AppContext.BaseDirectory, folder);
        string libraries = Path.Combine(AppContext.BaseDirectory, "runtimes");
        if (Directory.Exists(libraries))
        {
            foreach (string system in Directory.GetDirectories(libraries, "linux*"))
            {
                CopyTree(system, Path.Combine(folder, "runtimes", Path.GetFileName(system)));
            }
        }

        // The starter of a program that carries its runtime with it has no ending.
        if (Environment.ProcessPath is string self
            && Path.GetDirectoryName(self) == Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))
        {
            CopyFile(self, folder);
        }

        return ChildProgram.In(folder);
    }

    private static void CopyTree(string source, string target)
    {
        Copy(source, target);
        foreach (string inner in Directory.GetDirectories(source))
        {
            CopyTree(inner, Path.Combine(target, Path.GetFileName(inner)));
        }
    }

    private static void Copy(string source, string target)
    {
        MakeFolder(target);
        foreach (string file in Directory.GetFiles(source).Where(file => Endings.Contains(Path.GetExtension(file))))
        {
            CopyFile(file, target);
        }
    }

    /// <summary>Also the folders on the way to it: the umask may be one that hides new folders.</summary>
    private static void MakeFolder(string path)
    {
        if (!Directory.Exists(path))
        {
            MakeFolder(Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(path);
            FileModes.Set(path, FileModes.ReadableByAll);
        }
    }

    private static void CopyFile(string file, string folder)
    {
        string copy = Path.Combine(folder, Path.GetFileName(file));
        File.Copy(file, copy, overwrite: true);
        FileModes.Set(copy, FileModes.ReadableByAll);
    }
}
