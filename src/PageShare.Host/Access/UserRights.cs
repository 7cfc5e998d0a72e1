namespace PageShare.Host.Access;

/// <summary>What a user may do.</summary>
/// <param name="User">The user id.</param>
/// <param name="IsOperator">Whether it may see and control all guests.</param>
/// <param name="MostBytes">Most memory of its guests together; 0: no limit.</param>
/// <param name="MostGuests">Most guests at a time; 0: no limit.</param>
/// <param name="Domains">Names of share domains it may use, its default first; null: any of its own.</param>
/// <param name="ReadsMemory">Whether it may, as an operator, read what guests' pages hold.</param>
internal sealed record UserRights(
    uint User, bool IsOperator, long MostBytes, int MostGuests, IReadOnlyList<string>? Domains,
    bool ReadsMemory = false);
