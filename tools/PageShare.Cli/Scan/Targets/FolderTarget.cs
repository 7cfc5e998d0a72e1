using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// All files in a folder and below, as a page cache would hold them: each begins on a page of its own, and the rest of
/// its last page is zero. Together they are one region.
/// </summary>
/// <remarks>
/// Links are not followed: what they lead to is either in the folder too or was not asked for, and a circle of links
/// has no end. Pipes, sockets and devices have no length and are left out with the empty files. Folders are listed one
/// at a time, so memory is bounded by the largest of them.
/// </remarks>
internal sealed class FolderTarget(string path) : ScanTarget(path)
{
    private static readonly EnumerationOptions EveryEntry = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    private readonly ConcurrentDictionary<string, bool> _failed = new();
    private long _files;
    private long _links;

    /// <inheritdoc/>
    public override string Kind => "folder";

    /// <inheritdoc/>
    public override IEnumerable<string> Notes =>
        _links > 0 ? [$"{Quantity.Count(_links)} links in it were not followed."] : [];

    /// <inheritdoc/>
    public override IEnumerable<PageRange> Ranges()
    {
        var folders = new Stack<DirectoryInfo>([new DirectoryInfo(Name)]);
        while (folders.TryPop(out DirectoryInfo? folder))
        {
            var below = new List<DirectoryInfo>();
            foreach (FileSystemInfo entry in List(folder))
            {
                if (entry.LinkTarget is not null)
                {
                    _links++;
                }
                else if (entry is DirectoryInfo subfolder)
                {
                    below.Add(subfolder);
                }
                else if (LengthOf((FileInfo)entry) is > 0 and long length)
                {
                    yield return new PageRange
                    {
                        Offset = 0,
                        Pages = ((length - 1) / Quantity.PageBytes) + 1,
                        Bytes = length,
                        Path = entry.FullName,
                        StartsRegion = _files++ == 0,
                    };
                }
            }

            // The first on top, so that files come in the order of a listing.
            below.Reverse();
            below.ForEach(folders.Push);
        }

        if (_files == 0 && Problems.Count == 0)
        {
            throw new TargetException("has no file with content: there are no pages to count.");
        }
    }

    /// <inheritdoc/>
    public override ulong Read(in PageRange range, Span<byte> buffer)
    {
        try
        {
            using SafeFileHandle file = Open(range.Path!);
            ReadFile(file, range, buffer);
            return 0;
        }
        catch (TargetException failed)
        {
            // One bad file does not spoil the folder. A large one comes in many parts, and fails once.
            if (_failed.TryAdd(range.Path!, true))
            {
                Fail($"{range.Path} {failed.Message}");
            }

            return ulong.MaxValue;
        }
    }

    private List<FileSystemInfo> List(DirectoryInfo folder)
    {
        try
        {
            List<FileSystemInfo> entries = [.. folder.EnumerateFileSystemInfos("*", EveryEntry)];
            entries.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
            return entries;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            Fail($"{folder.FullName} can't be listed: {failed.Message} Run as its owner or as root.");
            return [];
        }
    }

    private long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            Fail($"{file.FullName} is gone or can't be looked at: {failed.Message}");
            return 0;
        }
    }
}
