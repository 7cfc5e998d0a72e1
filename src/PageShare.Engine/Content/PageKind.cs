namespace PageShare.Content;

/// <summary>What the scanner knows of a page.</summary>
internal enum PageKind : byte
{
    /// <summary>Never looked at, or never present.</summary>
    Unseen = 0,

    /// <summary>Private with content; its hash may be known.</summary>
    Hashed = 1,

    /// <summary>Uses a frame.</summary>
    Sharing = 2,

    /// <summary>All zero, its backing a hole.</summary>
    Zero = 3,
}
