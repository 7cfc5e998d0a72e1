namespace PageShare.CrashProbe.Isolated;

/// <summary>Garbage collections one after another, blocking ones and others, until it is disposed.</summary>
internal sealed class CollectionStorm : IDisposable
{
    private Thread? _thread;
    private volatile bool _isEnding;

    public void Start()
    {
        _thread = new Thread(Collect) { IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _isEnding = true;
        _thread?.Join();
    }

    private void Collect()
    {
        for (var i = 0; !_isEnding; i++)
        {
            var garbage = new object[200];
            for (var k = 0; k < garbage.Length; k++)
            {
                garbage[k] = new byte[k * 16];
            }

            GC.Collect(i % 3, i % 4 == 0 ? GCCollectionMode.Optimized : GCCollectionMode.Forced, blocking: i % 5 != 0);
            Thread.Yield();
        }
    }
}
