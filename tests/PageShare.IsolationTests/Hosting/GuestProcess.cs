using System.Diagnostics;
using System.Globalization;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>A process that has guests of a host and does with them what a test says; ended with the test.</summary>
internal sealed class GuestProcess : IDisposable
{
    private readonly Process _process;

    private GuestProcess(Process process)
    {
        _process = process;
    }

    public int ProcessId => _process.Id;

    /// <summary>Starts one and waits until it is connected.</summary>
    public static GuestProcess Start(HostProcess host, params string[] wrapper)
    {
        var guest = new GuestProcess(ProbeProcess.StartTalking(
            new ProbeCommand("hosted-guest", "--socket", host.Socket) { Wrapper = wrapper }));
        try
        {
            Assert.Equal("connected", guest.Read("its start"));
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }

    /// <summary>Starts one of another user, from a folder that this user can read.</summary>
    public static GuestProcess StartAs(HostProcess host, string folder, uint user)
    {
        var guest = Launch(host, folder, user);
        try
        {
            Assert.Equal("connected", guest.Read("its start"));
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }

    /// <summary>The same where it is not expected to be served: what it says then.</summary>
    public static string TryStartAs(HostProcess host, string folder, uint user)
    {
        using var guest = Launch(host, folder, user);
        var error = guest._process.StandardError.ReadToEndAsync();
        Assert.Null(guest._process.StandardOutput.ReadLine());
        guest._process.WaitForExit();
        return error.Result;
    }

    /// <summary>Has it do something, and returns what it answers.</summary>
    public string Do(string command)
    {
        Send(command);
        return Read(command);
    }

    /// <summary>Has it try what cannot be, and returns the reason.</summary>
    public string Fail(string command)
    {
        Send(command);
        var line = Line(command);
        Assert.StartsWith("failed ", line, StringComparison.Ordinal);
        return line;
    }

    /// <summary>Has it try something, and returns the whole answer.</summary>
    public string Try(string command)
    {
        Send(command);
        return Line(command);
    }

    /// <summary>Ends it at whatever instruction it is.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private static GuestProcess Launch(HostProcess host, string folder, uint user)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        return new GuestProcess(ProbeProcess.StartTalking(new ProbeCommand("hosted-guest", "--socket", host.Socket)
        {
            Wrapper = ["/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"],
            Folder = folder,
        }));
    }

    private void Send(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
    }

    private string Read(string command)
    {
        var line = Line(command);
        Assert.True(line.StartsWith("ok", StringComparison.Ordinal), $"{command}: {line}");
        return line["ok".Length..].TrimStart();
    }

    private string Line(string command)
    {
        if (_process.StandardOutput.ReadLine() is { } line)
        {
            return line;
        }

        _process.WaitForExit();
        Assert.Fail(
            $"{command}: the guest's process ended with {_process.ExitCode}.\n{_process.StandardError.ReadToEnd()}");
        return "";
    }
}
