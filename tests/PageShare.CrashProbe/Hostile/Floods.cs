using System.Globalization;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.CrashProbe.Hostile;

/// <summary>Takes all that it is given.</summary>
internal static class Floods
{
    /// <summary>Allocates until it is refused.</summary>
    /// <returns>How many guests it has, and the reason.</returns>
    public static string Allocate(RawGuest guest, int most)
    {
        for (var i = 0; i < most; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"flood-{i}");
            try
            {
                guest.Client.Request(
                    MessageKind.Allocate, new AllocateRequest(name, 4096, null, guest.Answer.Domain.Contains('/') ? null
                        : guest.Answer.Domain, null), MessageKind.Allocated).Dispose();
            }
            catch (RefusedException refused)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{i}: {refused.Code}: {refused.Refusal.Reason}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{most}: never refused");
    }
}
