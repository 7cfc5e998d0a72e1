using PageShare.Protocol.Messages;

namespace PageShare.Host.Access;

/// <summary>What one user has of the host now: connections, guests, memory, and requests lately.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class UserAccount(TimeProvider time, int requestsPerSecond)
{
    private readonly Lock _lock = new();

    // All guarded by _lock.
    private int _connections;
    private int _guests;
    private long _bytes;
    private double _requests = requestsPerSecond; // that may still be made at once; fills up again within a second
    private long _filledAt = time.GetTimestamp();

    /// <summary>Whether nothing is charged, so that the account may be forgotten.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _connections == 0 && _guests == 0;
            }
        }
    }

    /// <summary>Takes a connection, if there is one left.</summary>
    public bool TryConnect(int most)
    {
        lock (_lock)
        {
            if (_connections >= most)
            {
                return false;
            }

            _connections++;
            return true;
        }
    }

    /// <summary>Gives a connection back.</summary>
    public void Disconnect()
    {
        lock (_lock)
        {
            _connections--;
        }
    }

    /// <summary>Charges a guest. Null: it fits; else why not.</summary>
    /// <param name="rights">The user's.</param>
    /// <param name="bytes">
    /// The most that it may grow to: the guest maps that much, and can write to it, whatever it says of its size.
    /// </param>
    public Refusal? Charge(UserRights rights, long bytes)
    {
        lock (_lock)
        {
            if (rights.MostGuests > 0 && _guests >= rights.MostGuests)
            {
                return new Refusal(
                    RefusalCode.OverQuota,
                    $"User {rights.User} has {_guests} guests, and may have {rights.MostGuests}.");
            }

            if (rights.MostBytes > 0 && bytes > rights.MostBytes - _bytes)
            {
                return new Refusal(
                    RefusalCode.OverQuota,
                    $"User {rights.User} may have {rights.MostBytes} bytes of guests' memory; {_bytes} are taken, "
                    + $"and this guest may grow to {bytes}.");
            }

            _guests++;
            _bytes += bytes;
            return null;
        }
    }

    /// <summary>What is left of the user's memory; null: no limit.</summary>
    public long? Remaining(UserRights rights)
    {
        lock (_lock)
        {
            return rights.MostBytes == 0 ? null : Math.Max(0, rights.MostBytes - _bytes);
        }
    }

    /// <summary>Takes a guest off the account.</summary>
    public void Discharge(long bytes)
    {
        lock (_lock)
        {
            _guests--;
            _bytes -= bytes;
        }
    }

    /// <summary>Counts a request, and says how long its connection must rest before the next is read.</summary>
    public TimeSpan CountRequest()
    {
        lock (_lock)
        {
            var elapsed = time.GetElapsedTime(_filledAt).TotalSeconds;
            _filledAt = time.GetTimestamp();
            _requests = Math.Min(requestsPerSecond, _requests + (elapsed * requestsPerSecond)) - 1;
            return _requests >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_requests / requestsPerSecond);
        }
    }
}
