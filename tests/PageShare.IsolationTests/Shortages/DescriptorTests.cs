using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Shortages;

/// <summary>A process without file descriptors to spare.</summary>
public sealed class DescriptorTests
{
    public DescriptorTests() =>
        Assert.SkipUnless(HostPlatform.IsLinux, "needs Linux: a Windows process may have millions of handles.");

    [Theory, BothModes]
    public void AGuestThatFindsNoDescriptorsIsRefusedWithAdviceAndLeavesNoneOpen(FaultMode mode) =>
        ProbeProcess.Run("no-descriptors", mode).ExpectDone("refused and recovered");

    [Theory, BothModes]
    public void TheBackgroundScannerGoesOnWithoutDescriptors(FaultMode mode) =>
        ProbeProcess.Run("no-descriptors-for-scanner", mode).ExpectDone("scanned on");
}
