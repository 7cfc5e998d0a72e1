namespace PageShare.UnitTests.Options;

public sealed class GuestOptionsTests
{
    public static TheoryData<string, GuestOptions> Refused => new()
    {
        { nameof(GuestOptions.Domain), new GuestOptions { Domain = "" } },
        { nameof(GuestOptions.FaultMode), new GuestOptions { FaultMode = (FaultMode)(-1) } },
        { nameof(GuestOptions.MaximumBytes), new GuestOptions { MaximumBytes = 0 } },
        { nameof(GuestOptions.MaximumBytes), new GuestOptions { MaximumBytes = -4096 } },
        { nameof(GuestOptions.MaximumBytes), new GuestOptions { MaximumBytes = 4097 } },
    };

    [Fact]
    public void DefaultsAndWholePagesAreAllowed()
    {
        new GuestOptions().Validate();
        new GuestOptions { Domain = "a", FaultMode = FaultMode.Kernel, MaximumBytes = 8192 }.Validate();
    }

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void OptionOutsideItsRangeIsRefusedByName(string option, GuestOptions options)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(options.Validate);

        Assert.Equal(option, error.ParamName);
        Assert.StartsWith($"{option} is ", error.Message, StringComparison.Ordinal);
    }
}
