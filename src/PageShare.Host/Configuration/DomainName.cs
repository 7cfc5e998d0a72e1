namespace PageShare.Host.Configuration;

/// <summary>What clients and configuration may call a share domain.</summary>
internal static class DomainName
{
    private const int MostCharacters = 64;

    /// <summary>For messages.</summary>
    public const string Allowed = "1 to 64 letters, digits, '.', '_' or '-'";

    /// <summary>
    /// Whether it may be. Slashes are the host's own: <c>1001/default</c> is the domain <c>default</c> of user 1001,
    /// and nobody can claim it by naming it.
    /// </summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MostCharacters
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
