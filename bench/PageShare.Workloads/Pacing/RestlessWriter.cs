using System.Diagnostics;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Workloads.Pacing;

/// <summary>
/// A thread that stores to pages of guests, some ten thousand a second, and leaves their content as it is, until it is
/// disposed: so what was shared has to be shared again.
/// </summary>
internal sealed unsafe class RestlessWriter : IDisposable
{
    private const int PagesAtOnce = 100;

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(10);

    private readonly IReadOnlyList<MappedGuest> _guests;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _ending = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _written;

    /// <summary>Begins.</summary>
    /// <param name="guests">Whose memory; they must live as long.</param>
    /// <param name="seed">Of which pages.</param>
    public RestlessWriter(IReadOnlyList<MappedGuest> guests, ulong seed)
    {
        _guests = guests;
        _thread = new Thread(() => Write(new SeededRandom(seed))) { IsBackground = true, Name = "writer" };
        _thread.Start();
    }

    /// <summary>Since it began.</summary>
    public double PagesPerSecond => Volatile.Read(ref _written) / _clock.Elapsed.TotalSeconds;

    /// <inheritdoc/>
    public void Dispose()
    {
        _ending.Set();
        _thread.Join();
        _ending.Dispose();
    }

    // SAFETY: the pages are the guests', which live as long as this. Nobody else writes to them.
    private void Write(SeededRandom random)
    {
        while (!_ending.Wait(Rest))
        {
            for (var i = 0; i < PagesAtOnce; i++)
            {
                var guest = _guests[(int)random.Below(_guests.Count)];
                var page = guest.Pointer + (random.Below(guest.Length / PageSize.Bytes) * PageSize.Bytes);
                Volatile.Write(ref *page, *page);
            }

            Volatile.Write(ref _written, _written + PagesAtOnce);
        }
    }
}
