using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>The garbage collector stops a guest's threads again and again, in the middle of all that they do.</summary>
public sealed class CollectionStormTests : AttachedTest
{
    private const int Pages = 64;
    private const int Orders = 1000;

    [Theory, BothModes]
    public void OrdersAndWritersGoOnInAStormOfCollections(FaultMode mode)
    {
        using var host = StartHost();
        var guest = Connect().Allocate("guest", Pages * PageContent.Bytes, new GuestOptions { FaultMode = mode });
        var orders = host["guest"];
        uint[] frames = [.. Enumerable.Range(1, PageWriters.Contents).Select(
            id => orders.Store.Add(PageContent.Unique(id)))];
        var collections = GC.CollectionCount(0);
        var isEnding = false;
        var storm = new Thread(() =>
        {
            while (!Volatile.Read(ref isEnding))
            {
                GC.KeepAlive(new byte[100_000]);
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            }
        });
        storm.Start();
        using var writers = new PageWriters(guest, Pages);
        var merged = 0;
        for (var i = 0; i < Orders || writers.Writes < Orders; i++)
        {
            merged += orders.Merge(i % Pages, frames[i % frames.Length]) == MergeResult.Done ? 1 : 0;
        }

        Volatile.Write(ref isEnding, true);
        storm.Join();
        Assert.Equal(0, writers.End());
        Assert.True(merged > 0);
        Assert.True(GC.CollectionCount(0) - collections > 20, "there was no storm");
    }
}
