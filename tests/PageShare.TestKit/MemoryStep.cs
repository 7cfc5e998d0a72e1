namespace PageShare.TestKit;

/// <summary>Places around the calls that change a memory object, a frame store above all.</summary>
public enum MemoryStep
{
    /// <summary>About to write bytes: frames are taken, and hold nothing yet.</summary>
    BeforeWrite,

    /// <summary>Bytes are written: frames are filled, and nobody knows of them yet.</summary>
    AfterWrite,

    /// <summary>About to give memory back: frames have lost their last user.</summary>
    BeforePunch,

    /// <summary>Memory is given back, and the frames are not free to be taken yet.</summary>
    AfterPunch,
}
