namespace PageShare.Host.Configuration;

/// <summary>What the configuration grants a user: an entry of <c>users</c>.</summary>
/// <param name="Domains">
/// Names of share domains that the user's guests may be in, the first for those that name none; null: any name of the
/// user's own.
/// </param>
/// <param name="MostBytes">Most memory that the user's guests may grow to, together; 0: no limit.</param>
/// <param name="MostGuests">Most guests at a time; 0: no limit.</param>
/// <param name="IsOperator">Whether the user may see and control all guests; only the host's own user and root may, as
/// operators, read their memory.</param>
public sealed record UserRule(
    IReadOnlyList<string>? Domains = null, long MostBytes = 0, int MostGuests = 0, bool IsOperator = false);

/// <summary>A share domain that several users are in: an entry of <c>domains</c>.</summary>
/// <param name="Users">
/// Names, user ids, or <c>*</c> for everybody. Its members can read each other's shared pages.
/// </param>
public sealed record DomainRule(IReadOnlyList<string> Users);
