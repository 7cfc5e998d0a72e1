namespace PageShare.Cli.Run;

/// <summary>Where the first content of pages comes from.</summary>
internal enum PageOrigin
{
    /// <summary>A file, page by page.</summary>
    File,

    /// <summary>Random bytes that no other page has.</summary>
    Private,

    /// <summary>Zeroes.</summary>
    Zero,
}

/// <summary>Neighbouring pages of a guest whose first content has one origin.</summary>
/// <param name="FirstPage">Where in the guest it begins.</param>
/// <param name="Pages">How long it is.</param>
/// <param name="Origin">Where the content comes from.</param>
/// <param name="File">The file, which begins with the segment; null for other origins.</param>
internal readonly record struct PageSegment(long FirstPage, long Pages, PageOrigin Origin, InputFile? File)
{
    /// <summary>The page behind the last.</summary>
    public long EndPage => FirstPage + Pages;
}
