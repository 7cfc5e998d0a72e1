using PageShare.TestKit;

namespace PageShare.StressTests;

/// <summary>
/// Nothing that a faulting thread waits for may ever wait for a garbage collection, which waits for that thread.
/// </summary>
public sealed class GarbageCollectionTests(ITestOutputHelper output)
{
    [Theory, BothModes]
    public void ThousandsOfPassesAndCollectionsAndStoresToSealedPagesNeverStandStill(FaultMode mode) =>
        output.WriteLine(ProbeProcess.Run("collect-while-sealing", mode).ExpectDone("All ").Output);
}
