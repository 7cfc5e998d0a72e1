using System.Globalization;
using PageShare.IsolationTests.Isolated;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>A process that has guests of a host and does with them what a test says; ended with the test.</summary>
internal sealed class GuestProcess : TalkingProcess
{
    private GuestProcess(ProbeCommand command)
        : base(command)
    {
    }

    /// <summary>Starts one and waits until it is connected.</summary>
    public static GuestProcess Start(HostProcess host, params string[] wrapper)
    {
        var guest = new GuestProcess(CommandFor(host) with { Wrapper = wrapper });
        guest.AwaitStart("connected");
        return guest;
    }

    /// <summary>Starts one of another user, from a folder that this user can read.</summary>
    public static GuestProcess StartAs(HostProcess host, string folder, uint user)
    {
        var guest = Launch(host, folder, user);
        guest.AwaitStart("connected");
        return guest;
    }

    /// <summary>The same where it is not expected to be served: what it says then.</summary>
    public static string TryStartAs(HostProcess host, string folder, uint user)
    {
        using var guest = Launch(host, folder, user);
        return guest.HearWhyItEnds();
    }

    /// <summary>Has it try what cannot be, and returns the reason.</summary>
    public string Fail(string command)
    {
        var answer = Try(command);
        Assert.StartsWith("failed ", answer, StringComparison.Ordinal);
        return answer;
    }

    private static ProbeCommand CommandFor(HostProcess host) => new("hosted-guest", "--socket", host.Socket);

    private static GuestProcess Launch(HostProcess host, string folder, uint user)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        return new GuestProcess(CommandFor(host) with
        {
            Wrapper = ["/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"],
            Folder = folder,
        });
    }
}
