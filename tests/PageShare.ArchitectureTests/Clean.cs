namespace PageShare.ArchitectureTests;

/// <summary>Fails with every violation on a line of its own; an assertion on the list would cut the list
/// short.</summary>
internal static class Clean
{
    public static void Assert(IEnumerable<string> violations)
    {
        var all = violations.ToList();
        Xunit.Assert.True(all.Count == 0, string.Join('\n', all));
    }
}
