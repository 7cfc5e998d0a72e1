namespace PageShare.Cli.Traces;

/// <summary>What became of a stretch of neighbouring pages since the moment before.</summary>
internal enum ChangeKind : byte
{
    /// <summary>Nothing: the change bits are 0.</summary>
    Same = 0,

    /// <summary>There is no memory.</summary>
    Absent,

    /// <summary>Zeroes.</summary>
    Zero,

    /// <summary>Contents of ascending numbers, each one above the one before.</summary>
    Ascending,

    /// <summary>The same content, over and over.</summary>
    Repeated,
}

/// <summary>Neighbouring pages of one kind.</summary>
/// <param name="Kind">What became of them.</param>
/// <param name="Length">How many.</param>
/// <param name="First">Number of the first content; 0 where there is none.</param>
internal readonly record struct ChangeStretch(ChangeKind Kind, int Length, int First)
{
    /// <summary>Whether its pages have numbered contents.</summary>
    public bool HasContents => Kind is ChangeKind.Ascending or ChangeKind.Repeated;

    /// <summary>The content of one of its pages, as <see cref="Contents"/> numbers it.</summary>
    public int ContentAt(int page) => Kind switch
    {
        ChangeKind.Zero => Contents.Zero,
        ChangeKind.Ascending => First + page,
        ChangeKind.Repeated => First,
        _ => Contents.Absent,
    };
}

/// <summary>A page that has another content than before.</summary>
/// <param name="Page">Its number in the guest.</param>
/// <param name="Content">What it has now, as <see cref="Contents"/> numbers it.</param>
internal readonly record struct PageChange(int Page, int Content);

/// <summary>Numbers of contents that are always the same; all others are above them.</summary>
internal static class Contents
{
    /// <summary>There is no memory.</summary>
    public const int Absent = -1;

    /// <summary>Zeroes.</summary>
    public const int Zero = 0;
}
