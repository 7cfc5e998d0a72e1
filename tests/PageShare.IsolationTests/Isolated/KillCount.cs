using System.Globalization;

namespace PageShare.IsolationTests.Isolated;

/// <summary>How many processes the tests kill: as many as a run of all tests has time for, or more by an environment
/// variable.</summary>
internal static class KillCount
{
    /// <summary>Settings of a host whose clients come more often than usual, on a machine that is busy.</summary>
    public const string Limits =
        "limits.requestsPerSecond=1000000;limits.handshakeTimeout=60s;limits.frameTimeout=60s";

    /// <summary>The number in this variable, or the usual one.</summary>
    public static int Of(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture,
            out var wanted) ? wanted : usual;
}
