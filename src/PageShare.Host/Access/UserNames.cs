using System.Globalization;

namespace PageShare.Host.Access;

/// <summary>
/// Users by name, as /etc/passwd has them when the host starts. Not asked of the system's resolver: that may go to a
/// network directory, and hang or change its mind while the host serves.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class UserNames
{
    private readonly Dictionary<string, uint> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, string> _names = [];

    /// <param name="lines">Lines of <c>name:password:uid:…</c>; others are passed over.</param>
    public UserNames(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            string[] fields = line.Split(':');
            if (fields.Length >= 3 && fields[0].Length > 0
                && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                // The first line counts, as with the system's own readers.
                _ids.TryAdd(fields[0], id);
                _names.TryAdd(id, fields[0]);
            }
        }
    }

    /// <summary>Reads the machine's; none where there is no such file.</summary>
    public static UserNames Read(string path = "/etc/passwd")
    {
        try
        {
            return new UserNames(File.ReadLines(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new UserNames([]);
        }
    }

    /// <summary>A user's id, by name or number; null for a name that is not known.</summary>
    public uint? IdOf(string user) =>
        uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : _ids.TryGetValue(user, out var id) ? id
        : null;

    /// <summary>For people: <c>alice (1001)</c>, or the number alone.</summary>
    public string Describe(uint user) => _names.TryGetValue(user, out var name)
        ? string.Create(CultureInfo.InvariantCulture, $"{name} ({user})")
        : user.ToString(CultureInfo.InvariantCulture);
}
