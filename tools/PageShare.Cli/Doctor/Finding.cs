namespace PageShare.Cli.Doctor;

/// <summary>How a finding bears on PageShare.</summary>
internal enum FindingState
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Neither good nor bad: worth knowing.</summary>
    Note,

    /// <summary>PageShare works, but less well than it could.</summary>
    Limited,

    /// <summary>PageShare does not work here.</summary>
    Unusable,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="State">How it bears on PageShare.</param>
/// <param name="Found">What was found, in a few words.</param>
/// <param name="Meaning">What that means for PageShare on this machine.</param>
/// <param name="Improve">The command that improves it; null if there is nothing to improve, or no command that
/// does.</param>
internal sealed record Finding(string Name, FindingState State, string Found, string Meaning, string? Improve = null);
