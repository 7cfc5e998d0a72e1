using System.Globalization;

namespace PageShare.Host.Guests;

/// <summary>
/// What tells a guest from all others of a host. A name belongs to the user who gives it, so that nobody can take
/// another user's names away; among one user's guests it is unique.
/// </summary>
/// <remarks>
/// The engine knows guests by the text, <c>1001/web-1</c>, as it does their domains. People and scripts see and say the
/// name alone as long as one user has it. Names have no slash.
/// </remarks>
/// <param name="User">Whose it is.</param>
/// <param name="Name">The name.</param>
internal readonly record struct GuestKey(uint User, string Name)
{
    private const char Slash = '/';

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{User}{Slash}{Name}");

    /// <summary>Takes <c>USER/NAME</c> apart; false for a name alone, or a user that is not known.</summary>
    /// <param name="text">What somebody says.</param>
    /// <param name="findUser">Finds a user by name or number.</param>
    /// <param name="key">The guest's.</param>
    public static bool TryParse(string text, Func<string, uint?> findUser, out GuestKey key)
    {
        var at = text.IndexOf(Slash, StringComparison.Ordinal);
        var user = at > 0 ? findUser(text[..at]) : null;
        key = user is { } id ? new GuestKey(id, text[(at + 1)..]) : default;
        return user is not null;
    }

    /// <summary>The name alone, of a key's text or of a name.</summary>
    public static string NameIn(string text) => text[(text.IndexOf(Slash, StringComparison.Ordinal) + 1)..];

    /// <summary>The user in a key's text; empty in a name alone.</summary>
    public static string UserIn(string text) => text[..Math.Max(0, text.IndexOf(Slash, StringComparison.Ordinal))];

    /// <summary>For each key's text what to show: the name alone where one of them has it, else the whole.</summary>
    public static Dictionary<string, string> Shorten(IEnumerable<string> keys) => keys.Distinct()
        .GroupBy(NameIn)
        .SelectMany(static sameName => sameName.Count() == 1
            ? [KeyValuePair.Create(sameName.First(), sameName.Key)]
            : sameName.Select(static key => KeyValuePair.Create(key, key)))
        .ToDictionary();
}
