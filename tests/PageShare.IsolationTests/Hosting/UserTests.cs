using PageShare.Host;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>Users are told apart by the kernel's word.</summary>
public sealed class UserTests : IDisposable
{
    private const uint First = 64_001;
    private const uint Second = 64_002;
    private const uint Stranger = 64_003;
    private const int Pages = 256;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GuestsOfDifferentUsersShareNothingUnlessConfigurationJoinsThem()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder, "", """
            { "users": { "64001": {}, "64002": {} }, "domains": { "joined": { "users": [64001, 64002] } } }
            """);
        using var a = GuestProcess.StartAs(host, program, First);
        using var b = GuestProcess.StartAs(host, program, Second);
        Assert.Equal("64001/default", a.Do("allocate a 1048576"));
        Assert.Equal("64002/default", b.Do("allocate b 1048576"));
        a.Do($"fill a 0 {Pages} 7");
        b.Do($"fill b 0 {Pages} 7");
        host.AwaitPasses(4);
        Assert.Equal(0, host.Status().Engine.Totals.PagesSharing);

        Assert.Equal("joined", a.Do("allocate a2 1048576 joined"));
        Assert.Equal("joined", b.Do("allocate b2 1048576 joined"));
        a.Do($"fill a2 0 {Pages} 8");
        b.Do($"fill b2 0 {Pages} 8");
        Until.True(() => host.Status().Engine.Totals.PagesSharing == Pages, "the joined guests share");
        Assert.Equal(
            [First, Second, First, Second], host.Status().Processes.Select(static process => process.UserId));
        a.Do($"check a2 0 {Pages} 8");
        b.Do($"check b2 0 {Pages} 8");
    }

    [Fact]
    public void NobodyCanTakeAnotherUsersNameAwayAndBothAreToldApart()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder, "", """{ "users": { "64001": {}, "64002": {} } }""");
        using var a = GuestProcess.StartAs(host, program, First);
        using var b = GuestProcess.StartAs(host, program, Second);
        a.Do("allocate web 1048576");
        Assert.Equal(["web"], NamesIn(host));
        b.Do("allocate web 1048576");
        Assert.Contains("User 64002 has a guest named 'web' already", b.Fail("allocate web 1048576"),
            StringComparison.Ordinal);
        Assert.Equal(["64001/web", "64002/web"], NamesIn(host));

        using var operators = StatusClient.Connect(host.Socket);
        var refused = Assert.Throws<RefusedException>(() => operators.Control(ControlAction.Pause, "web"));
        Assert.Contains("64001/web or 64002/web", refused.Message, StringComparison.Ordinal);
        operators.Control(ControlAction.Pause, "64002/web");
        a.Do("sharing web false"); // says so of its own, by the name that it has given
        a.Do("sharing web true");
        var sharing = Fresh(host).Engine.Guests.ToDictionary(
            static guest => guest.Name, static guest => guest.Sharing);
        Assert.Equal((true, false), (sharing["64001/web"], sharing["64002/web"]));

        b.Do("free web");
        Assert.Equal(["web"], NamesIn(host));
        operators.Control(ControlAction.Pause, "web");
    }

    [Fact]
    public void AUserThatTheConfigurationDoesNotNameIsRefusedWithAReason()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder, "",
            """{ "users": { "64001": {} }, "domains": { "web": { "users": [0] } } }""");
        var stranger = GuestProcess.TryStartAs(host, program, Stranger);
        Assert.Contains("64003", stranger, StringComparison.Ordinal);
        Assert.Contains("its configuration must name the user", stranger, StringComparison.Ordinal);
        using var known = GuestProcess.StartAs(host, program, First);
        known.Do("allocate a 1048576");
        Assert.Contains("may not use the share domain", known.Fail("allocate b 1048576 web"), StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutConfigurationOtherUsersDoNotReachTheSocket()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder);
        Assert.Contains("Permission denied", GuestProcess.TryStartAs(host, program, First), StringComparison.Ordinal);
    }

    private static IEnumerable<string> NamesIn(HostProcess host)
    {
        var status = Fresh(host);
        Assert.Equal(status.Processes.Select(static process => process.Name),
            status.Engine.Guests.Select(static guest => guest.Name));
        return status.Processes.Select(static process => process.Name);
    }

    /// <summary>What the host says may be a moment old; after a pass it is of after the call.</summary>
    private static StatusAnswer Fresh(HostProcess host)
    {
        host.AwaitPasses(1);
        return host.Status();
    }

    [Fact]
    public void AnOperatorOfAnotherUserSeesCountersButNotWhatPagesHold()
    {
        var program = RequireOtherUsers();
        using var host = HostProcess.Start(_folder, "", """{ "users": { "64001": { "operator": true } } }""");
        using var guest = GuestProcess.Start(host);
        guest.Do("allocate a 1048576");
        guest.Do("fill a 0 256 7");
        using (var own = StatusClient.Connect(host.Socket))
        using (var memory = own.GetMemory("a"))
        {
            Assert.Equal(256, memory.Pages);
        }

        var (code, output, error) = RunAs(program, First, "status", "--socket", host.Socket, "--json");
        Assert.True(code == 0, error);
        Assert.Contains("\"name\": \"a\"", output, StringComparison.Ordinal);

        (code, output, error) = RunAs(program, First, "scan", $"host:{host.Socket}", "--json");
        Assert.True(code == 1, error);
        Assert.Contains($"host:{host.Socket}#a: may not be read", error, StringComparison.Ordinal);
        Assert.Contains("root", error, StringComparison.Ordinal);
        Assert.DoesNotContain("commonestContents\": [\n      {", output, StringComparison.Ordinal);

        (code, _, error) = RunAs(program, Stranger, "scan", $"host:{host.Socket}");
        Assert.True(code == 1, error);
        Assert.Contains("its configuration must name the user", error, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Error) RunAs(string program, uint user, params string[] arguments)
    {
        var id = user.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var dotnet = Path.GetFullPath(
            Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "/usr/bin/setpriv",
            [
                "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", dotnet,
                Path.Combine(program, "pageshare.dll"), .. arguments,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = program,
            Environment = { ["HOME"] = program },
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>The probe where other users can read it; skips where this user can't become them.</summary>
    private string RequireOtherUsers()
    {
        Assert.SkipUnless(
            Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv"),
            "needs root and setpriv (util-linux): guests of other users.");
        var target = Path.Combine(_folder.Path, "program");
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(AppContext.BaseDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Assert.Equal(0, Mono.Unix.Native.Syscall.chmod(_folder.Path, (Mono.Unix.Native.FilePermissions)0b111_101_101));
        return target;
    }
}
