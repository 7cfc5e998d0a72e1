namespace PageShare.Protocol.Messages;

/// <summary>What a frame carries. The number stands in the frame's header, and is never given a new meaning.</summary>
public enum MessageKind : ushort
{
    /// <summary>None: no frame has it.</summary>
    None = 0,

    /// <summary>Client: who it is and what it speaks. The first frame of a connection.</summary>
    Hello = 1,

    /// <summary>Host: the answer to <see cref="Hello"/>.</summary>
    Welcome = 2,

    /// <summary>Host: a request failed; the connection goes on unless the reason says otherwise.</summary>
    Refused = 3,

    /// <summary>Host: a request without an answer of its own was carried out.</summary>
    Done = 4,

    /// <summary>Client: wants memory for a guest.</summary>
    Allocate = 10,

    /// <summary>Host: the guest's memory. Descriptors: backing, page table, ring, store (read-only).</summary>
    Allocated = 11,

    /// <summary>Client: a guest shall become larger.</summary>
    Grow = 12,

    /// <summary>Client: a guest is given up; its mappings are gone.</summary>
    Free = 13,

    /// <summary>
    /// Client: a guest that another host made, or this one over a connection that broke, wants to go on. Descriptors:
    /// backing, page table, then one for each of <see cref="ResumeRequest.StoreGenerations"/>.
    /// </summary>
    Resume = 14,

    /// <summary>Host: the answer to <see cref="Resume"/>. Descriptors: ring, store (read-only).</summary>
    Resumed = 15,

    /// <summary>Client: the new ring and store are in use; orders may come.</summary>
    Attached = 16,

    /// <summary>Client: counters of one of its guests.</summary>
    GetSnapshot = 17,

    /// <summary>Host: the answer to <see cref="GetSnapshot"/>.</summary>
    Snapshot = 18,

    /// <summary>Operator: counters of everything.</summary>
    GetStatus = 30,

    /// <summary>Host: the answer to <see cref="GetStatus"/>.</summary>
    Status = 31,

    /// <summary>Operator: pause, resume or unshare a guest, or all.</summary>
    Control = 32,

    /// <summary>Operator: page kinds of a guest, for maps and for <c>pageshare scan</c>.</summary>
    GetContents = 33,

    /// <summary>Host: the answer to <see cref="GetContents"/>. Descriptors: a guest's backing, read-only,
    /// for those who may ask for <see cref="GetMemory"/>; none for others.</summary>
    Contents = 34,

    /// <summary>Operator, the host's own user or root: a guest's memory, for <c>pageshare scan</c>.</summary>
    GetMemory = 35,

    /// <summary>
    /// Host: the answer to <see cref="GetMemory"/>. Descriptors, all for reading: backing, page table, then a store for
    /// each of <see cref="MemoryAnswer.StoreGenerations"/>.
    /// </summary>
    Memory = 36,
}

/// <summary>Body of messages that say nothing more, such as <see cref="MessageKind.Done"/>.</summary>
public sealed record EmptyBody;
