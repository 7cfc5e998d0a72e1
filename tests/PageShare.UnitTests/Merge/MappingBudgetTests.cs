using PageShare.Merge;

namespace PageShare.UnitTests.Merge;

public sealed class MappingBudgetTests
{
    [Fact]
    public void ALonePageIsCutOutOnlyWhereThereIsRoom()
    {
        var budget = new MappingBudget { Limit = 10 };

        Assert.True(budget.MayCut(1, 0));
        Assert.True(budget.MayCut(1, 3));
        Assert.False(budget.MayCut(1, 4)); // nine tenths are for cuts, and each takes two
        Assert.True(budget.MayCut(2, 4));
    }

    [Fact]
    public void WhereMappingsAreShortFewerPagesThanARunMustHaveAreNotCutOut()
    {
        var budget = new MappingBudget { Limit = 100 };
        for (var run = 0; run < 40; run++)
        {
            budget.Offer(8);
            budget.Offer(2);
        }

        Assert.False(budget.TryReserve(plan: 1, length: 8, mappings: 101));
        budget.EndPass();

        Assert.Equal(3, budget.ShortestRun);
        Assert.False(budget.MayCut(2, 0));
        Assert.True(budget.MayCut(3, 0));
    }
}
