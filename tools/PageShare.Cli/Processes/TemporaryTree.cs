using System.Diagnostics;

namespace PageShare.Cli.Processes;

/// <summary>A new folder for temporary files that goes away with this process, however that ends: a shell hangs on a
/// <see cref="Lifeline"/> of ours and removes it then.</summary>
internal sealed class TemporaryTree : IDisposable
{
    // Again while there is something: another child may just be making a file, and will not do so twice.
    private const string Script = """
        trap '' INT TERM HUP
        read -r line
        tries=0
        until rm -rf -- "$1" 2>/dev/null || [ $tries -ge 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        """;

    private readonly Process? _sweeper;

    private TemporaryTree(string path, Process? sweeper)
    {
        Path = path;
        _sweeper = sweeper;
    }

    /// <summary>Its full path.</summary>
    public string Path { get; }

    /// <summary>Makes it, for this user alone.</summary>
    /// <param name="parent">In which folder; an absolute path.</param>
    /// <param name="prefix">How its name begins.</param>
    /// <exception cref="IOException">It can't be made there.</exception>
    public static TemporaryTree Create(string parent, string prefix)
    {
        string random = System.IO.Path.GetRandomFileName().Replace(".", "", StringComparison.Ordinal);
        string path = System.IO.Path.Combine(parent, prefix + random);
        FileModes.MakePrivateFolder(path);
        return new TemporaryTree(path, StartSweeper(path));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody was faster: all the better.
        }

        if (_sweeper is not null)
        {
            _sweeper.StandardInput.Close();
            _sweeper.WaitForExit();
            _sweeper.Dispose();
        }
    }

    private static Process? StartSweeper(string path)
    {
        if (SystemProgram.Find("sh") is not string shell)
        {
            return null;
        }

        string[] command = [shell, "-c", Script, "pageshare-sweeper", path];
        command = SystemProgram.Find("setsid") is string setsid ? [setsid, .. command] : command;
        return Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        });
    }
}
