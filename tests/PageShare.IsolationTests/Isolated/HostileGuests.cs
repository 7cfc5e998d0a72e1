using System.Globalization;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// A host, honest guests of its own user, and a hostile one in the same share domain, with a user of its own where this
/// process is root.
/// </summary>
internal sealed class HostileGuests : IDisposable
{
    private const uint Stranger = 64_011;
    private const string Domain = "joined";

    private readonly TemporaryFolder _folder = new();
    private readonly HostProcess? _host;
    private readonly OracleGuests? _honest;
    private readonly TalkingProcess? _hostile;

    public HostileGuests(FaultMode mode, int pages, string limits = "")
    {
        try
        {
            var program = HasOwnUser ? StagedProbe.Stage(_folder) : null;
            var rights = "{ \"mostGuests\": 12 }";
            _host = HostProcess.Start(_folder, $"{KillCount.Limits};{limits}", $$"""
                { "users": { "{{Stranger}}": {{rights}}, "0": { "operator": true } },
                  "domains": { "{{Domain}}": { "users": [{{Stranger}}, {{Own}}] }, "private": { "users": [{{Own}}] } } }
                """.Replace("\"0\"", $"\"{Own}\"", StringComparison.Ordinal));
            _honest = new OracleGuests(_host.Socket, 2, pages, mode, Domain);
            _honest.ShareExactly(_host);
            Traces = new HostTraces(_host);
            _hostile = TalkingProcess.Start(new ProbeCommand(
                "hostile-guest", "--socket", _host.Socket, "--host", Text(_host.ProcessId), "--seed", Text(Seeds.Seed),
                "--domain", Domain, "--engine", mode.ToString())
            {
                Wrapper = HasOwnUser ? StagedProbe.As(Stranger) : [],
                Folder = program,
            });
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the hostile guest has a user of its own, as guests of a root's host have.</summary>
    public static bool HasOwnUser => StagedProbe.CanBecomeOthers;

    public HostProcess Host => _host!;

    public OracleGuests Honest => _honest!;

    public TalkingProcess Hostile => _hostile!;

    private HostTraces? Traces { get; }

    private static string Own => Text(PageShare.Platform.Linux.OwnProcess.User);

    /// <summary>
    /// The honest guests have every byte and go on sharing, the host answers; and once the hostile one is dead, every
    /// count is exact and nothing is left of it.
    /// </summary>
    public void NobodyIsHarmed()
    {
        Honest.StopWritersAndCheck();
        Assert.NotEmpty(Host.Status().Processes);
        Hostile.Kill();
        Honest.ShareExactly(Host);
        Traces!.AreGone();
    }

    public void Dispose()
    {
        _hostile?.Dispose();
        _honest?.Dispose();
        _host?.Dispose();
        _folder.Dispose();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
