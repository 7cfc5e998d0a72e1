namespace PageShare.Platform.Windows;

/// <summary>The linear view of a section, or its start: there is one alone, which this keeps mapped.</summary>
internal sealed unsafe class SectionView : MappedMemory
{
    private readonly Section _section;

    private SectionView(Section section, long bytes)
    {
        _section = section;
        Length = bytes;
        SetHandle((nint)section.WritableView);
    }

    /// <summary>Takes hold of the view.</summary>
    public static SectionView Of(Section section, long bytes)
    {
        var isHeld = false;
        section.DangerousAddRef(ref isHeld);
        return new SectionView(section, bytes);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        _section.DangerousRelease();
        return true;
    }
}
