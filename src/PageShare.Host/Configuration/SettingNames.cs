namespace PageShare.Host.Configuration;

/// <summary>Finds keys as people write them, and says which there are.</summary>
internal static class SettingNames
{
    /// <summary>The name that is meant: in a variable neither case nor underscores count.</summary>
    public static string? Find(IEnumerable<string> names, string written) => names.FirstOrDefault(name =>
        string.Equals(name, written.Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase));

    /// <summary>"no such key; there are a, b and c", with the nearest first where one is near.</summary>
    public static string Unknown(IEnumerable<string> names, string written)
    {
        string[] all = [.. names];
        var near = all.MinBy(name => Distance(name, written));
        var hint = near is not null && Distance(near, written) <= 3 ? $" Did you mean \"{near}\"?" : "";
        return $"is no key of PageShare.{hint} Allowed here: {string.Join(", ", all)}.";
    }

    /// <summary>Letters to insert, drop or change (Levenshtein), without regard to case.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var isSame = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (isSame ? 0 : 1)));
            }
        }

        return row[b.Length];
    }
}
