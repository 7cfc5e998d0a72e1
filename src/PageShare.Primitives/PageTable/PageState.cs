namespace PageShare.PageTable;

/// <summary>
/// How a page is mapped: ps_page_state of pageshare.h, which draws the diagram and says who moves a page.
/// </summary>
internal enum PageState : byte
{
    /// <summary>Mapped to its own page of the backing, writable.</summary>
    Private = 0,

    /// <summary>Write-protected for the moment of comparing.</summary>
    Sealed = 1,

    /// <summary>Equal to a frame; its mapping is being replaced by the frame's.</summary>
    Remapping = 2,

    /// <summary>Maps a frame, read-only: a store faults.</summary>
    Shared = 3,

    /// <summary>Maps a frame, copy-on-write by the kernel.</summary>
    KernelShared = 4,

    /// <summary>Its own copy is being made.</summary>
    Breaking = 5,

    /// <summary>Mapped as <see cref="Private"/> is, but the backing is a hole that a store or a load fills.</summary>
    Zero = 6,

    /// <summary>Reserved.</summary>
    Ballooned = 7,

    /// <summary>Reserved.</summary>
    Compressed = 8,

    /// <summary>Reserved.</summary>
    Swapped = 9,
}

/// <summary>The one table of legal moves between page states on the managed side.</summary>
/// <remarks>
/// The native side has its own (ps_transition_is_legal), because the fault handler can't ask managed code; a test
/// compares the two pair by pair.
/// </remarks>
internal static class PageStates
{
    /// <summary>How many states the native contract names, reserved ones included (PS_STATE_COUNT).</summary>
    public const int Count = 10;

    // Row: from. Bit: to. A page word whose state stays the same, when a pin is counted for example, makes no move.
    private static ReadOnlySpan<ushort> MovesFrom =>
    [
        /* Private      */ 1 << (int)PageState.Sealed,
        /* Sealed       */ 1 << (int)PageState.Private | 1 << (int)PageState.Remapping | 1 << (int)PageState.Zero,
        /* Remapping    */ 1 << (int)PageState.Shared | 1 << (int)PageState.KernelShared | 1 << (int)PageState.Private,
        /* Shared       */ 1 << (int)PageState.Breaking,
        /* KernelShared */ 1 << (int)PageState.Breaking,
        /* Breaking     */ 1 << (int)PageState.Private | 1 << (int)PageState.Shared | 1 << (int)PageState.KernelShared,
        /* Zero         */ 1 << (int)PageState.Sealed | 1 << (int)PageState.Private,
        /* Ballooned    */ 0,
        /* Compressed   */ 0,
        /* Swapped      */ 0,
    ];

    /// <summary>
    /// Whether the diagram has an arrow from one state to the other. Values that are no states have none.
    /// </summary>
    public static bool IsLegal(PageState from, PageState to) =>
        (int)from < Count && (int)to < Count && (MovesFrom[(int)from] & (1 << (int)to)) != 0;

    /// <summary>Whether a page in this state belongs to one native call, for which everybody else waits.</summary>
    public static bool IsTransient(PageState state) =>
        state is PageState.Sealed or PageState.Remapping or PageState.Breaking;

    /// <summary>Whether a page in this state maps a frame and nobody is changing that.</summary>
    public static bool IsShared(PageState state) => state is PageState.Shared or PageState.KernelShared;

    /// <summary>Whether the word of a page in this state names a frame, which therefore must not be freed.</summary>
    public static bool NamesFrame(PageState state) =>
        IsShared(state) || state is PageState.Remapping or PageState.Breaking;
}
