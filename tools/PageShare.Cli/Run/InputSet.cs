using System.Runtime.InteropServices;

namespace PageShare.Cli.Run;

/// <summary>Finds the files behind <c>--input</c> and <c>--image</c>.</summary>
/// <remarks>
/// Links inside a folder are not followed: what they lead to is either inside too, or was not asked for, and a circle
/// of links has no end. A link that is named itself is followed. Empty files, and with them pipes and devices, are left
/// out.
/// </remarks>
internal static class InputSet
{
    private static readonly EnumerationOptions EveryEntry = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>The shared framework of the running .NET: files that every machine has that can run this.</summary>
    public static string SharedFrameworkFolder => RuntimeEnvironment.GetRuntimeDirectory();

    /// <summary>All files behind the paths, each once, ordered by path.</summary>
    /// <exception cref="CommandException">A path does not exist, a file can't be read, or there is no byte in
    /// all.</exception>
    public static IReadOnlyList<InputFile> Find(IReadOnlyList<string> paths)
    {
        var found = new SortedDictionary<string, InputFile>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            Named("--input", path, () => Collect(path, found));
        }

        if (found.Count == 0)
        {
            throw CommandException.BadUsage(
                $"no file with content in {string.Join(", ", paths)}: name a file or folder that has some.");
        }

        return [.. found.Values];
    }

    /// <summary>The image files in the order given; the same file may be there twice.</summary>
    /// <exception cref="CommandException">An image does not exist, is a folder, is empty, or can't be read.</exception>
    public static IReadOnlyList<InputFile> FindImages(IReadOnlyList<string> paths)
    {
        var images = new List<InputFile>();
        foreach (string path in paths)
        {
            Named("--image", path, () =>
            {
                if (Directory.Exists(path))
                {
                    throw CommandException.BadUsage($"--image {path} is a folder: name the image files in it.");
                }

                InputFile image = InputFile.Note(Followed(new FileInfo(path)));
                if (image.Length == 0)
                {
                    throw CommandException.BadUsage($"--image {path} is empty: a guest needs at least one byte.");
                }

                images.Add(image);
            });
        }

        return images;
    }

    private static void Collect(string path, SortedDictionary<string, InputFile> found)
    {
        if (!Directory.Exists(path))
        {
            Add(Followed(new FileInfo(path)), found);
            return;
        }

        var folders = new Stack<DirectoryInfo>([new DirectoryInfo(path)]);
        while (folders.TryPop(out DirectoryInfo? folder))
        {
            foreach (FileSystemInfo entry in folder.EnumerateFileSystemInfos("*", EveryEntry))
            {
                if (entry.LinkTarget is not null)
                {
                    continue;
                }

                if (entry is DirectoryInfo inner)
                {
                    folders.Push(inner);
                }
                else
                {
                    Add((FileInfo)entry, found);
                }
            }
        }
    }

    private static void Add(FileInfo info, SortedDictionary<string, InputFile> found)
    {
        InputFile file = InputFile.Note(info);
        if (file.Length > 0)
        {
            found[file.Path] = file;
        }
    }

    private static FileInfo Followed(FileInfo info) =>
        info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;

    /// <summary>Turns what the system says about a path into a message with the option and the path.</summary>
    private static void Named(string option, string path, Action look)
    {
        if (string.IsNullOrEmpty(path))
        {
            throw CommandException.BadUsage($"{option} needs a path.");
        }

        try
        {
            look();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandException.BadUsage($"{option} {path}: there is no such file or folder.", missing);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw CommandException.BadUsage($"{option} {path}: {refused.Message}", refused);
        }
    }
}
