using Microsoft.Win32.SafeHandles;
using PageShare.Host.Access;

namespace PageShare.Host.Guests;

/// <summary>A connection that holds guests: who is at its other end, by the kernel's word.</summary>
internal interface IGuestHolder
{
    /// <summary>The process that connected.</summary>
    int ProcessId { get; }

    /// <summary>What its user may do.</summary>
    UserRights Rights { get; }

    /// <summary>What its user has.</summary>
    UserAccount Account { get; }

    /// <summary>Whether the other end has closed it.</summary>
    bool HasHungUp { get; }

    /// <summary>A descriptor of the process; null if it has ended.</summary>
    SafeFileHandle? OpenProcess();

    /// <summary>Ends the connection.</summary>
    void Close();
}
