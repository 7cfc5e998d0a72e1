namespace PageShare;

/// <summary>How it stands between the host and a guest in a process of its own.</summary>
internal enum IsolatedState
{
    /// <summary>Its agent takes no orders: not yet, or no more since the connection broke.</summary>
    Detached,

    /// <summary>All is well.</summary>
    Attached,

    /// <summary>An order is unanswered.</summary>
    Late,

    /// <summary>Well, but pages still show a former host's frames.</summary>
    Moving,

    /// <summary>It has answered what cannot be: it is left alone from now on.</summary>
    Distrusted,

    /// <summary>It is gone.</summary>
    Disposed,
}
