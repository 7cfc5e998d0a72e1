using System.Globalization;
using Mono.Unix.Native;
using PageShare.Cli.Processes;

namespace PageShare.Cli.Run.Isolation;

/// <summary>
/// Under which users guests run: each under one of its own, if this is root, since two processes of one user can write
/// to each other's memory and to all that they have open. Else all under ours.
/// </summary>
internal sealed class RunUsers
{
    private readonly IReadOnlyList<uint> _uids;
    private readonly string? _setpriv;

    private RunUsers(IReadOnlyList<uint> uids, string? setpriv, ChildProgram program, string? reason)
    {
        _uids = uids;
        _setpriv = setpriv;
        Program = program;
        Reason = reason;
    }

    /// <summary>Whether each guest has a user of its own.</summary>
    public bool AreOwn => _uids.Count > 0;

    /// <summary>Why not; null if so.</summary>
    public string? Reason { get; }

    /// <summary>Whether another folder might do, where others can reach it.</summary>
    public bool MayBeOwnElsewhere { get; private init; }

    /// <summary>The program that guests execute.</summary>
    public ChildProgram Program { get; }

    /// <summary>Chooses the users, and copies the program to where they can read it.</summary>
    /// <param name="guests">How many are needed.</param>
    /// <param name="folder">The run's folder; others may pass it, and it is on a path that they can reach, or
    /// not.</param>
    public static RunUsers Choose(int guests, string folder)
    {
        if (Syscall.geteuid() != 0)
        {
            return Shared("this is not root");
        }

        IReadOnlyList<uint> uids = UnusedUids.Take(guests);
        if (uids.Count < guests)
        {
            return Shared("there are not enough unused ones");
        }

        ChildProgram program = StagedProgram.CopyTo(Path.Combine(folder, "program"));
        string? setpriv = SystemProgram.Find("setpriv");
        var users = new RunUsers(uids, setpriv, program, null);
        return setpriv is not null && users.FindObstacle() is string obstacle ? Shared(obstacle, elsewhere: true) : users;

        static RunUsers Shared(string reason, bool elsewhere = false) =>
            new([], null, ChildProgram.OfThisProcess(), reason) { MayBeOwnElsewhere = elsewhere };
    }

    /// <summary>The user of a guest.</summary>
    public uint UidOf(int guest) => AreOwn ? _uids[guest] : Syscall.geteuid();

    /// <summary>The command that starts a guest.</summary>
    public IReadOnlyList<string> CommandOf(int guest, string controlPath)
    {
        List<string> command =
        [
            Program.File, .. Program.Before, GuestProcessCommand.Name, GuestProcessCommand.ControlOption, controlPath,
        ];
        if (!AreOwn)
        {
            return command;
        }

        string uid = _uids[guest].ToString(CultureInfo.InvariantCulture);
        return _setpriv is null
            ? [.. command, GuestProcessCommand.UidOption, uid]
            : [.. Become(_uids[guest]), .. command];
    }

    private string[] Become(uint uid)
    {
        string text = uid.ToString(CultureInfo.InvariantCulture);
        return [_setpriv!, "--reuid", text, "--regid", text, "--clear-groups", "--no-new-privs"];
    }

    /// <summary>Tries whether such a user can be, and reach the runtime and the program: either may lie in a folder that
    /// only root may enter, and a container may not let root become anybody.</summary>
    private string? FindObstacle()
    {
        foreach (string needed in (string[])[Program.File, .. Program.Before.Where(Path.IsPathRooted)])
        {
            using ChildProcess probe = ChildProcess.Start([.. Become(_uids[0]), "test", "-r", needed]);
            probe.WaitForExit(Timeout.InfiniteTimeSpan);
            if (!probe.Succeeded)
            {
                return probe.Said.Length > 0 ? probe.Said : $"another user can't read {needed}";
            }
        }

        return null;
    }
}
