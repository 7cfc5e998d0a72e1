using System.Diagnostics;

namespace PageShare;

/// <summary>How a program talks to its host. Immutable; the defaults suit most programs.</summary>
public sealed record GuestClientOptions
{
    private const uint RootUser = 0;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    /// <summary>Name of the program, for the host's log and status. Default: the process's name.</summary>
    public string Program { get; init; } = NameOfProcess();

    /// <summary>
    /// How long the host may take to answer. After that the connection is given up, and made anew. Default 30 seconds.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait before the first try to reach a host that has gone away; doubled for each further
    /// one. Default 50 milliseconds.</summary>
    public TimeSpan ReconnectMinimumDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait between two tries. Default 5 seconds.</summary>
    public TimeSpan ReconnectMaximumDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Users that the host may run as, beside root and the user of this process. A host sees all of its guests' memory,
    /// and whoever can make a file at the socket's path could claim to be one; so a connection to anybody else's is
    /// broken off before anything is said. Default none.
    /// </summary>
    /// <remarks>User ids as this process sees them: inside a user namespace 65534 stands for all that it does not
    /// have.</remarks>
    public IReadOnlyCollection<uint> HostUsers { get; init; } = [];

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An option is outside what is allowed; the message names it, its value and the allowed range.
    /// </exception>
    public void Validate()
    {
        OptionRange.Require(
            !string.IsNullOrWhiteSpace(Program) && Program.Length <= 256, Program, "a name of up to 256 characters",
            nameof(Program));
        OptionRange.Require(HostUsers is not null, HostUsers, "a list of user ids", nameof(HostUsers));
        OptionRange.Between(RequestTimeout, Shortest, TimeSpan.FromHours(1), nameof(RequestTimeout));
        OptionRange.Between(ReconnectMinimumDelay, Shortest, TimeSpan.FromHours(1), nameof(ReconnectMinimumDelay));
        OptionRange.Between(
            ReconnectMaximumDelay, ReconnectMinimumDelay, TimeSpan.FromHours(1), nameof(ReconnectMaximumDelay));
    }

    /// <summary>Whether a host of this user may have the memory of a process of that one.</summary>
    internal bool AcceptsHostOf(uint user, uint ownUser) => user == RootUser || user == ownUser || HostUsers.Contains(user);

    private static string NameOfProcess()
    {
        using var process = Process.GetCurrentProcess();
        return process.ProcessName;
    }
}
