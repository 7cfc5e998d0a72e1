using PageShare.Memory;

namespace PageShare.PageTable;

/// <summary>One value of the page word: state, pins and frame of one page, as pageshare.h lays it out.</summary>
/// <remarks>
/// <code>
///   63    60 59        48 47      41 40        33  32  31                             0
///  +--------+------------+----------+------------+---+-------------------------------+
///  | state  | pins       | reserved | generation | w | frame number                  |
///  +--------+------------+----------+------------+---+-------------------------------+
/// </code>
/// Pins are above zero only in Private; w (somebody waits) is set only in the transient states; frame and generation
/// (of which of the region's stores the frame is) are zero but in Shared, KernelShared, Remapping and Breaking.
/// </remarks>
/// <param name="Bits">The word as it lies in memory.</param>
internal readonly record struct PageWord(ulong Bits)
{
    /// <summary>Most pins that a word can count (PS_PINS_MAX).</summary>
    public const int MaximumPins = (int)((1u << PinsBits) - 1);

    /// <summary>Lowest bit of the store's generation (PS_GENERATION_SHIFT).</summary>
    public const int GenerationShift = 33;

    /// <summary>Largest generation of a region's stores (PS_GENERATION_MAX).</summary>
    public const int MaximumGeneration = 255;

    private const int FrameBits = 32;
    private const int WaitersShift = FrameBits;
    private const int PinsShift = 48;
    private const int PinsBits = StateShift - PinsShift;
    private const int StateShift = 60;

    private const ulong FrameMask = (1UL << FrameBits) - 1;
    private const ulong WaitersMask = 1UL << WaitersShift;
    private const ulong GenerationMask = (ulong)MaximumGeneration << GenerationShift;
    private const ulong PinsMask = (ulong)MaximumPins << PinsShift;

    /// <summary>A page of its own without pins: what zeroed memory says.</summary>
    public static PageWord Private => default;

    /// <summary>How the page is mapped.</summary>
    public PageState State => (PageState)(Bits >> StateShift);

    /// <summary>How many pins cover the page.</summary>
    public int Pins => (int)((Bits & PinsMask) >> PinsShift);

    /// <summary>Whether a faulting thread sleeps until the transient state ends.</summary>
    public bool HasWaiters => (Bits & WaitersMask) != 0;

    /// <summary>The frame that the page maps, or is about to; meaningless in states that name none.</summary>
    public FrameNumber Frame => new((uint)(Bits & FrameMask));

    /// <summary>Which of the region's stores the frame is of: 0 for the first; meaningless in states that name
    /// none.</summary>
    public int Generation => (int)((Bits & GenerationMask) >> GenerationShift);

    /// <summary>Frame and generation as one number, in which frames that follow one another in a store do so
    /// too.</summary>
    public ulong Place => ((ulong)Generation << FrameBits) | Frame.Value;

    /// <summary>The word of an unpinned page in a state that names no frame.</summary>
    /// <exception cref="ArgumentException">The state names a frame.</exception>
    public static PageWord Of(PageState state)
    {
        if (PageStates.NamesFrame(state))
        {
            throw new ArgumentException($"A page that is {state} has a frame.", nameof(state));
        }

        return new PageWord((ulong)state << StateShift);
    }

    /// <summary>The word of a page in a state that names a frame.</summary>
    /// <exception cref="ArgumentException">The state names no frame.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Not 0 to <see cref="MaximumGeneration"/>.</exception>
    public static PageWord Of(PageState state, FrameNumber frame, int generation = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(generation);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(generation, MaximumGeneration);
        if (!PageStates.NamesFrame(state))
        {
            throw new ArgumentException($"A page that is {state} has no frame.", nameof(state));
        }

        return new PageWord(((ulong)state << StateShift) | ((ulong)generation << GenerationShift) | frame.Value);
    }

    /// <summary>The word of a private page under <paramref name="pins"/> pins.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 0 to <see cref="MaximumPins"/>.</exception>
    public static PageWord Pinned(int pins)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pins);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pins, MaximumPins);
        return new PageWord(((ulong)PageState.Private << StateShift) | ((ulong)pins << PinsShift));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{State}" + (PageStates.NamesFrame(State) ? $"({Frame})" : "")
        + (Generation > 0 ? $" of generation {Generation}" : "") + (Pins > 0 ? $", {Pins} pins" : "")
        + (HasWaiters ? ", waited for" : "");
}
