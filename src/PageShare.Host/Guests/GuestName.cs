using System.Globalization;

namespace PageShare.Host.Guests;

/// <summary>What a guest may be called. Names are shown in terminals, logs and pages.</summary>
internal static class GuestName
{
    private const int MostCharacters = 128;

    /// <summary>For messages.</summary>
    public const string Allowed = "1 to 128 characters that can be printed, without '/', and not all of them blanks";

    /// <summary>Whether it may be.</summary>
    public static bool IsValid(string? name) =>
        name is { Length: > 0 and <= MostCharacters }
        && !string.IsNullOrWhiteSpace(name)
        && !name.Contains('/', StringComparison.Ordinal) // which stands between user and name: see GuestKey
        && name.EnumerateRunes().All(static rune => CanBePrinted(rune));

    /// <summary>A text of a client's with what can't be printed replaced, and not longer than a name, or than
    /// said.</summary>
    public static string Clean(string? text, int mostCharacters = MostCharacters) => string.Concat(
        (text ?? "").Take(mostCharacters).Select(static c => CanBePrinted(c) ? c : '?'));

    // A lone surrogate shows as the replacement character among runes.
    private static bool CanBePrinted(System.Text.Rune rune) =>
        rune != System.Text.Rune.ReplacementChar && CanBePrinted(System.Text.Rune.GetUnicodeCategory(rune));

    private static bool CanBePrinted(char c) => CanBePrinted(char.GetUnicodeCategory(c));

    // Format characters could turn the direction of a whole line.
    private static bool CanBePrinted(UnicodeCategory category) => category is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
