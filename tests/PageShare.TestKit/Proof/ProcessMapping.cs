namespace PageShare.TestKit.Proof;

/// <summary>One mapping of this process, as the kernel describes it.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address behind the last.</param>
/// <param name="Permissions">Such as <c>rw-s</c>.</param>
/// <param name="Inode">Of the file behind it; 0 for anonymous memory.</param>
/// <param name="Name">Of the file behind it, or empty.</param>
public sealed record ProcessMapping(nuint Start, nuint End, string Permissions, long Inode, string Name)
{
    /// <summary>Memory that belongs to no file: copies that the kernel made. Only from smaps.</summary>
    public long AnonymousBytes { get; init; }

    /// <summary>What the kernel was told of it, as two letters each: <c>dc</c> keeps it from a forked child. Only from
    /// smaps.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
}
