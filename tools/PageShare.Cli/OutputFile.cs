namespace PageShare.Cli;

/// <summary>Files that the user has asked for.</summary>
internal static class OutputFile
{
    /// <summary>Writes a text file, in place of what was there.</summary>
    /// <exception cref="CommandException">It can't be written.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            File.WriteAllText(path, text);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Failed($"{path} can't be written: {failed.Message}", failed);
        }
    }
}
