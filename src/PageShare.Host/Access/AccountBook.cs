namespace PageShare.Host.Access;

/// <summary>The accounts of users that have something now. Thread-safe.</summary>
internal sealed class AccountBook(TimeProvider time, int requestsPerSecond)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, UserAccount> _accounts = []; // guard: _lock

    /// <summary>A user's account, with a connection taken from it; null if there is none left.</summary>
    public UserAccount? Connect(uint user, int most)
    {
        lock (_lock)
        {
            if (!_accounts.TryGetValue(user, out var account))
            {
                _accounts[user] = account = new UserAccount(time, requestsPerSecond);
            }

            return account.TryConnect(most) ? account : null;
        }
    }

    /// <summary>Forgets a user that has nothing any more.</summary>
    public void Forget(uint user)
    {
        lock (_lock)
        {
            if (_accounts.TryGetValue(user, out var account) && account.IsIdle)
            {
                _accounts.Remove(user);
            }
        }
    }
}
