using System.Runtime.CompilerServices;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit.Points;

namespace PageShare.ContractTests;

/// <summary>What both sides of the native interface state for themselves must be the same.</summary>
public sealed class ShimContractTests
{
    [Fact]
    public void BothTablesOfLegalMovesAgreeForEveryPairOfStates()
    {
        // Some values beyond the last state as well: neither may call a move from or to them legal.
        for (var from = 0u; from < PageStates.Count + 3; from++)
        {
            for (var to = 0u; to < PageStates.Count + 3; to++)
            {
                Assert.True(
                    Shim.IsTransitionLegal(from, to) == (PageStates.IsLegal((PageState)from, (PageState)to) ? 1 : 0),
                    $"From {(PageState)from} to {(PageState)to} the managed and the native side disagree.");
            }
        }
    }

    [Fact]
    public void SomeMovesAreLegalAndMostAreNot()
    {
        var legal = 0;
        for (var pair = 0u; pair < PageStates.Count * PageStates.Count; pair++)
        {
            legal += Shim.IsTransitionLegal(pair / PageStates.Count, pair % PageStates.Count);
        }

        Assert.Equal(14, legal); // the arrows of pageshare.h's diagram
    }

    [Fact]
    public void StructuresAreAsLargeOnBothSides()
    {
        // From the native side's own figures, typed from pageshare.h: a size that both sides got wrong would agree.
        const int Buckets = 320;
        Assert.Equal((Buckets + 1) * sizeof(ulong), Unsafe.SizeOf<ShimHistogram>());
        Assert.Equal((7 * sizeof(ulong)) + (2 * (Buckets + 1) * sizeof(ulong)), Unsafe.SizeOf<ShimCounters>());
        Assert.Equal(Metrics.LatencyHistogram.NativeWordCount, ShimHistogram.Words);
        Assert.Equal(0, Unsafe.SizeOf<ShimRegionConfig>() % sizeof(ulong));
        Assert.Equal(sizeof(byte), Unsafe.SizeOf<MergeResult>());
    }

    [Fact]
    public void TestPointsAndCallsAreAsManyAsTheShimHas()
    {
        var points = Enum.GetValues<TestPoint>().Length;
        var calls = Enum.GetValues<TestCall>().Length;
        Assert.Equal(0, TestShim.SetGate((TestPoint)(points - 1), 0, ulong.MaxValue));
        Assert.NotEqual(0, TestShim.SetGate((TestPoint)points, 0, ulong.MaxValue));
        Assert.Equal(0, TestShim.InjectFailure((TestCall)(calls - 1), 0, 0, 0));
        Assert.NotEqual(0, TestShim.InjectFailure((TestCall)calls, 0, 0, 0));
    }

    [Fact]
    public void TheHandlerIsInPlaceOnceAnEngineRuns()
    {
        using var engine = PageShareEngine.Start(new EngineOptions { BackgroundScanning = false });
        Assert.Equal(1, Shim.IsHandlerInstalled());
    }
}
