using System.Globalization;

namespace PageShare.Memory;

/// <summary>Index of a frame in its frame store.</summary>
/// <remarks>
/// 32 bits, as in the page word: 16 TiB of frames a store. The two highest numbers are no frames but the merge order's
/// PS_TARGET_NONE and PS_TARGET_ZERO, so a store has at most <see cref="MaximumFrames"/>.
/// </remarks>
/// <param name="Value">The index, zero for the first frame.</param>
internal readonly record struct FrameNumber(uint Value) : IComparable<FrameNumber>
{
    /// <summary>Most frames that a store may have.</summary>
    public const long MaximumFrames = 0xFFFF_FFFE;

    /// <summary>Bytes from the start of the store to the frame.</summary>
    public long Offset => (long)Value << PageSize.Shift;

    /// <summary>The frame behind this one.</summary>
    /// <exception cref="OverflowException">There is none.</exception>
    public FrameNumber Next => new(checked(Value + 1));

    /// <exception cref="OverflowException">The result is no frame number.</exception>
    public static FrameNumber operator +(FrameNumber frame, long frames) => new(checked((uint)(frame.Value + frames)));

    /// <exception cref="OverflowException">The result is no frame number.</exception>
    public static FrameNumber operator -(FrameNumber frame, long frames) => new(checked((uint)(frame.Value - frames)));

    /// <summary>Frames from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static long operator -(FrameNumber left, FrameNumber right) => (long)left.Value - right.Value;

    public static FrameNumber operator ++(FrameNumber frame) => frame.Next;

    public static bool operator <(FrameNumber left, FrameNumber right) => left.Value < right.Value;

    public static bool operator >(FrameNumber left, FrameNumber right) => left.Value > right.Value;

    public static bool operator <=(FrameNumber left, FrameNumber right) => left.Value <= right.Value;

    public static bool operator >=(FrameNumber left, FrameNumber right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(FrameNumber other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"frame {Value}");
}
