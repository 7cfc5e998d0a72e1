using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Cli.Processes;

/// <summary>Gives this process another user id, where no program of the system is there to do so.</summary>
internal static class ProcessUser
{
    /// <summary>
    /// Takes user and group for good, drops all other groups, and starts the program anew in this very process. Returns
    /// only by exception.
    /// </summary>
    /// <remarks>
    /// Anew, because a process that has changed its user may not look at itself any more: its files in /proc belong to
    /// root until the next exec.
    /// </remarks>
    /// <exception cref="CommandException">The system refuses.</exception>
    public static void BecomeAndRestart(uint uid, IReadOnlyList<string> arguments)
    {
        Require("setgroups", Syscall.setgroups([]));
        Require("setresgid", Syscall.setresgid(uid, uid, uid));
        Require("setresuid", Syscall.setresuid(uid, uid, uid));
        (string file, IReadOnlyList<string> before) = ChildProgram.OfThisProcess();
        Require("execv", Syscall.execv(file, [file, .. before, .. arguments]));
    }

    private static void Require(string call, int result)
    {
        if (result != 0)
        {
            throw Refused(call);
        }
    }

    private static CommandException Refused(string call) => CommandException.Failed(
        $"can't become another user: {call}: {Marshal.GetPInvokeErrorMessage(NativeConvert.FromErrno(Stdlib.GetLastError()))}");
}
