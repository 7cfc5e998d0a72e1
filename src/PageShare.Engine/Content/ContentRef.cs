using PageShare.Memory;

namespace PageShare.Content;

/// <summary>
/// Names a place with some content: a frame of the domain's store, or a page seen but not shared (a hint).
/// </summary>
/// <param name="IsFrame">True for a frame, false for a hint.</param>
/// <param name="Id">The frame's number, or the hint's page id, which is unique in the domain.</param>
internal readonly record struct ContentRef(bool IsFrame, uint Id)
{
    /// <summary>The frame that this names; meaningless for a hint.</summary>
    public FrameNumber Frame => new(Id);

    /// <summary>Names a shared frame.</summary>
    public static ContentRef Of(FrameNumber frame) => new(true, frame.Value);

    /// <summary>Names the page with this id of the domain.</summary>
    public static ContentRef Hint(uint pageId) => new(false, pageId);

    /// <inheritdoc/>
    public override string ToString() => IsFrame ? Frame.ToString() : $"hint {Id}";
}
