namespace PageShare.TestKit.Points;

/// <summary>Named places in the page protocol where a test may stop a thread: ps_point of pageshare_test.h.</summary>
public enum TestPoint
{
    /// <summary>Merge: the word says Sealed, the pages are still writable.</summary>
    Claimed = 0,

    /// <summary>Merge: write-protected, nothing compared yet.</summary>
    Sealed = 1,

    /// <summary>Merge: equal, the word says Remapping, still mapped to the backing.</summary>
    Compared = 2,

    /// <summary>Merge: mapped to the frames, the old pages are still there.</summary>
    Remapped = 3,

    /// <summary>Merge: the old pages are gone, nothing is committed.</summary>
    Punched = 4,

    /// <summary>A store faulted on a page of a guest.</summary>
    FaultEntered = 5,

    /// <summary>Break: the word says Breaking.</summary>
    BreakClaimed = 6,

    /// <summary>Break: the backing has the bytes, the frame is still mapped.</summary>
    BreakCopied = 7,

    /// <summary>Break: writable again, the word still says Breaking.</summary>
    BreakMapped = 8,

    /// <summary>About to sleep until another thread is done with the page.</summary>
    Waiting = 9,

    /// <summary>Settle, Kernel mode: a broken page is write-protected for comparing.</summary>
    SettleSealed = 10,

    /// <summary>Move to a newer store: the word says Breaking; in Kernel mode the page is still writable.</summary>
    MoveClaimed = 11,

    /// <summary>Move: nobody can store, nothing compared yet.</summary>
    MoveSealed = 12,

    /// <summary>Move: compared, still mapped to the old frame.</summary>
    MoveCompared = 13,

    /// <summary>Move: mapped to the new frame, the word still says Breaking.</summary>
    MoveMapped = 14,

    /// <summary>The agent has copied an order and not begun it.</summary>
    OrderTaken = 15,

    /// <summary>The agent has done an order and not answered it.</summary>
    OrderDone = 16,

    /// <summary>Host: an order stands in its slot and is not posted. What stands for the page at a gate is the order's
    /// kind; so for the next two.</summary>
    OrderWritten = 17,

    /// <summary>Host: an order is posted; an agent that sleeps has not been woken.</summary>
    OrderPosted = 18,

    /// <summary>Host: an answer is there, and nothing of it was taken.</summary>
    AnswerSeen = 19,
}
