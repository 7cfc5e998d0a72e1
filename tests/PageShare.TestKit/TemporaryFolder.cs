namespace PageShare.TestKit;

/// <summary>A new empty folder that is gone, with all that is in it, when the test ends.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes one below the system's folder for such.</summary>
    public TemporaryFolder()
    {
        Path = Directory.CreateTempSubdirectory("pageshare-test-").FullName;
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Writes a file, with the folders that it needs, and returns its path.</summary>
    /// <param name="name">Relative to the folder.</param>
    /// <param name="content">Its bytes.</param>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>Writes a text file, as above.</summary>
    public string Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
