using PageShare.Memory;

namespace PageShare;

/// <summary>How one guest is made. Immutable; <see langword="null"/> means "as the engine's options say".</summary>
public sealed record GuestOptions
{
    /// <summary>
    /// Name of the share domain (ESX's salt). Guests share pages with members of their own domain only. Default
    /// <see langword="null"/>: <c>EngineOptions.DefaultDomain</c>, or a domain of its own with
    /// <c>EngineOptions.DomainPerGuest</c>. Members of a domain can read each other's shared pages.
    /// </summary>
    public string? Domain { get; init; }

    /// <summary>How stores to shared pages are caught. Default <see langword="null"/>: the engine's mode.</summary>
    public FaultMode? FaultMode { get; init; }

    /// <summary>
    /// Whether the scanner looks at this guest. Default <see langword="true"/>, since an engine without sharing is of
    /// no use; <see langword="false"/> keeps latency-critical or secret memory private. It can be changed later.
    /// </summary>
    public bool Sharing { get; init; } = true;

    /// <summary>
    /// Most bytes the guest may grow to, a multiple of the page size. Address space for all of it is reserved at once,
    /// memory is not. Default <see langword="null"/>: twice the initial size and at least 1 GiB, as far as the machine
    /// has memory, since address space is cheap and a guest that cannot grow is a surprise.
    /// </summary>
    public long? MaximumBytes { get; init; }

    /// <summary>Checks every option by itself; whether it fits the guest's size is for the engine to check.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An option is outside what is allowed; the message names it, its value and the allowed range.
    /// </exception>
    public void Validate()
    {
        OptionRange.Require(
            Domain is null || (!string.IsNullOrWhiteSpace(Domain) && !Domain.Contains('#')),
            Domain,
            "null or a non-empty name without '#', which marks the domains of single guests",
            nameof(Domain));
        OptionRange.Require(
            FaultMode is null || Enum.IsDefined(FaultMode.Value), FaultMode, "Signal or Kernel", nameof(FaultMode));
        OptionRange.Require(
            MaximumBytes is null || (MaximumBytes > 0 && PageSize.IsAligned(MaximumBytes.Value)),
            MaximumBytes,
            "null or a positive multiple of 4096 bytes",
            nameof(MaximumBytes));
    }
}
