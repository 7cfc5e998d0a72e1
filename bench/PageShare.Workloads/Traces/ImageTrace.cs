using Microsoft.Win32.SafeHandles;
using PageShare.Cli;
using PageShare.Memory;

namespace PageShare.Workloads.Traces;

/// <summary>
/// The memory of real guests: of each two files of a folder, <c>NAME.idle0.ram</c> and <c>NAME.act0.ram</c>, in which
/// byte i is that of guest-physical address i.
/// </summary>
internal sealed class ImageTrace : IMemoryTrace
{
    private const string IdleSuffix = ".idle0.ram";
    private const string ActiveSuffix = ".act0.ram";

    private readonly List<(string Name, int Pages, SafeFileHandle Idle, SafeFileHandle Active)> _guests = [];

    private ImageTrace(string folder) => Name = $"images of {folder}";

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Guests => [.. _guests.Select(static guest => guest.Name)];

    /// <summary>Opens all pairs of a folder.</summary>
    /// <exception cref="CommandException">There is none, or one can't be used.</exception>
    public static ImageTrace Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw CommandException.BadUsage($"--images: there is no folder {folder}.");
        }

        var trace = new ImageTrace(folder);
        try
        {
            var found = Directory.GetFiles(folder, "*" + IdleSuffix).Order(StringComparer.Ordinal);
            foreach (var idle in found.Where(static path => File.Exists(ActiveOf(path))))
            {
                trace.Add(idle);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            trace.Dispose();
            throw CommandException.BadUsage($"--images: {failure.Message}", failure);
        }

        if (trace._guests.Count == 0)
        {
            throw CommandException.BadUsage(
                $"--images: {folder} has no pair of files NAME{IdleSuffix} and NAME{ActiveSuffix}. "
                + "tools/make-images makes some.");
        }

        return trace;
    }

    /// <inheritdoc/>
    public int PagesOf(int guest) => _guests[guest].Pages;

    /// <inheritdoc/>
    public void Read(int guest, Moment moment, int page, Span<byte> into)
    {
        var (name, _, idle, active) = _guests[guest];
        var file = moment == Moment.Idle ? idle : active;
        for (var offset = (long)page * PageSize.Bytes; into.Length > 0;)
        {
            var read = RandomAccess.Read(file, into, offset);
            if (read == 0)
            {
                throw CommandException.Failed($"The image of {name} has become shorter while it was used.");
            }

            offset += read;
            into = into[read..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, idle, active) in _guests)
        {
            idle.Dispose();
            active.Dispose();
        }
    }

    private static string ActiveOf(string idlePath) => idlePath[..^IdleSuffix.Length] + ActiveSuffix;

    private void Add(string path)
    {
        var idle = File.OpenHandle(path);
        var active = File.OpenHandle(ActiveOf(path));
        var bytes = RandomAccess.GetLength(idle);
        _guests.Add((Path.GetFileName(path)[..^IdleSuffix.Length], (int)(bytes / PageSize.Bytes), idle, active));
        if (bytes == 0 || bytes % PageSize.Bytes != 0 || RandomAccess.GetLength(active) != bytes)
        {
            throw new IOException($"{path} and {ActiveOf(path)} must be of the same size, in whole pages.");
        }
    }
}
