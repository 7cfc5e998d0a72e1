namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// What the kernel says of one page of a process (Linux <c>Documentation/admin-guide/mm/pagemap.rst</c>).
/// <code>
///  63       62       61                      54 … 0
///  present  swapped  of a file or shared      frame, 0 for those without CAP_SYS_ADMIN
/// </code>
/// </summary>
/// <param name="bits">The entry.</param>
internal readonly struct PagemapEntry(ulong bits)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = sizeof(ulong);

    private const int PresentBit = 63;
    private const int SwappedBit = 62;
    private const int SharedBit = 61;
    private const int FrameBits = 55;

    /// <summary>Whether it is in memory.</summary>
    public bool IsPresent => (bits >> PresentBit & 1) != 0;

    /// <summary>Whether it is in swap.</summary>
    public bool IsSwapped => (bits >> SwappedBit & 1) != 0;

    /// <summary>Whether it belongs to a file or to shared memory, and not to this process alone.</summary>
    public bool IsOfFile => (bits >> SharedBit & 1) != 0;

    /// <summary>The physical page's number; 0 if we may not know it.</summary>
    public long Frame => (long)(bits & ((1UL << FrameBits) - 1));
}
