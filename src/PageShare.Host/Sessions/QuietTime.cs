namespace PageShare.Host.Sessions;

/// <summary>Keeps what clients can cause at will from filling the log: one line a user and interval.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class QuietTime(TimeProvider time)
{
    private const int MostUsers = 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, (long Since, int Silenced)> _users = []; // guard: _lock

    /// <summary>Whether to write a line now, and how many were not written since the last.</summary>
    public bool IsOver(uint user, out int silenced)
    {
        lock (_lock)
        {
            var isKnown = _users.TryGetValue(user, out var quiet);
            if (isKnown && time.GetElapsedTime(quiet.Since) < Interval)
            {
                _users[user] = quiet with { Silenced = quiet.Silenced + 1 };
                silenced = 0;
                return false;
            }

            if (!isKnown && _users.Count >= MostUsers)
            {
                _users.Clear();
            }

            silenced = quiet.Silenced;
            _users[user] = (time.GetTimestamp(), 0);
            return true;
        }
    }
}
