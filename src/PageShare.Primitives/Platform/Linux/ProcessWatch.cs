using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>Tells when processes end, by their pidfds: one thread that polls them all.</summary>
/// <remarks>
/// Thread-safe. An end is told once, on the watch's own thread, which must not be held up for long: the next end waits
/// meanwhile.
/// </remarks>
internal sealed class ProcessWatch : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, (SafeFileHandle Process, Action Ended)> _watched = []; // guard: _lock
    private readonly WakeUp _wakeUp = WakeUp.Create();
    private readonly Thread _thread;
    private long _lastKey;           // guard: _lock
    private volatile bool _isEnding; // set before the last Ring, read after a poll

    /// <exception cref="PlatformException">Out of descriptors.</exception>
    public ProcessWatch()
    {
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "process watch" };
        _thread.Start();
    }

    /// <summary>Watches a process until it ends, or the result is disposed.</summary>
    /// <param name="process">Its pidfd; the watch's from now on.</param>
    /// <param name="ended">Called at its end; not called any more once the watch is disposed, or about to be.</param>
    public WatchedProcess Watch(SafeFileHandle process, Action ended)
    {
        lock (_lock)
        {
            var key = ++_lastKey;
            _watched.Add(key, (process, ended));
            _wakeUp.Ring();
            return new WatchedProcess(this, key);
        }
    }

    /// <summary>Whether a process has ended, told or not.</summary>
    internal bool HasEnded(long key)
    {
        lock (_lock)
        {
            if (!_watched.TryGetValue(key, out var entry))
            {
                return true;
            }

            // Under the lock, so that nobody closes the descriptor meanwhile.
            Pollfd[] one = [new Pollfd { fd = (int)entry.Process.DangerousGetHandle(), events = PollEvents.POLLIN }];
            int ready;
            while ((ready = Syscall.poll(one, 1, 0)) < 0)
            {
                RequireInterrupted();
            }

            return ready > 0;
        }
    }

    /// <summary>Ends one watch.</summary>
    internal void Forget(long key)
    {
        if (Take(key) is not null && !_isEnding)
        {
            _wakeUp.Ring(); // or the closed number would stay in the poll
        }
    }

    /// <summary>Ends the thread. Not to be called by it.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _wakeUp.Ring();
        _thread.Join();
        _wakeUp.Dispose();
        foreach (var (process, _) in _watched.Values)
        {
            process.Dispose();
        }

        _watched.Clear();
    }

    private void Run()
    {
        Pollfd[] polled = [];
        long[] keys = [];
        while (!_isEnding)
        {
            var count = List(ref polled, ref keys);
            if (Syscall.poll(polled, (uint)count, -1) < 0)
            {
                RequireInterrupted();
                continue;
            }

            if (polled[0].revents != 0)
            {
                _wakeUp.Clear();
            }

            for (var at = 1; at < count && !_isEnding; at++)
            {
                if (polled[at].revents != 0)
                {
                    Take(keys[at])?.Invoke();
                }
            }
        }
    }

    /// <summary>Everything to poll: the wake-up, then the processes.</summary>
    private int List(ref Pollfd[] polled, ref long[] keys)
    {
        lock (_lock)
        {
            if (polled.Length < _watched.Count + 1)
            {
                Array.Resize(ref polled, 2 * (_watched.Count + 1));
                Array.Resize(ref keys, polled.Length);
            }

            polled[0] = new Pollfd { fd = _wakeUp.Descriptor, events = PollEvents.POLLIN };
            var count = 1;
            foreach (var (key, (process, _)) in _watched)
            {
                // Open until this thread, or Forget under the lock, closes it; a number that was closed since and given
                // to another file ends this poll at most once too early, and Take then finds no entry.
                polled[count] = new Pollfd { fd = (int)process.DangerousGetHandle(), events = PollEvents.POLLIN };
                keys[count++] = key;
            }

            return count;
        }
    }

    private Action? Take(long key)
    {
        lock (_lock)
        {
            if (!_watched.Remove(key, out var entry))
            {
                return null;
            }

            entry.Process.Dispose();
            return entry.Ended;
        }
    }

    private static void RequireInterrupted()
    {
        var error = Stdlib.GetLastError();
        if (error != Errno.EINTR)
        {
            throw new PlatformException("poll", "processes", NativeConvert.FromErrno(error));
        }
    }
}

/// <summary>A process that is watched.</summary>
internal sealed class WatchedProcess(ProcessWatch watch, long key) : IDisposable
{
    /// <summary>Whether it has ended, also before its watcher was told so.</summary>
    public bool HasEnded => watch.HasEnded(key);

    /// <summary>Ends the watch; its watcher may just be being told of the end all the same.</summary>
    public void Dispose() => watch.Forget(key);
}
