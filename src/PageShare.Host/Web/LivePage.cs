using System.Security.Cryptography;
using System.Text;

namespace PageShare.Host.Web;

/// <summary>The page at <c>/</c>: one document with its style and script inside, which loads nothing but
/// <c>/status</c>.</summary>
internal sealed class LivePage
{
    /// <summary>For every other answer.</summary>
    public const string NothingAllowed = "default-src 'none'; frame-ancestors 'none'";

    private LivePage(string html, string style, string script)
    {
        Bytes = Encoding.UTF8.GetBytes(html
            .Replace("{{style}}", style, StringComparison.Ordinal)
            .Replace("{{script}}", script, StringComparison.Ordinal));
        ContentSecurityPolicy =
            $"default-src 'none'; style-src {Hash(style)}; script-src {Hash(script)}; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    /// <summary>The document.</summary>
    public byte[] Bytes { get; }

    /// <summary>Allows its own style and script, by their hashes, and nothing else: a guest's name can't bring
    /// any.</summary>
    public string ContentSecurityPolicy { get; }

    /// <summary>Puts it together from this assembly's resources.</summary>
    public static LivePage Load() => new(Read("page.html"), Read("page.css"), Read("page.js"));

    private static string Read(string name)
    {
        using var resource = typeof(LivePage).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {name}.");
        using var reader = new StreamReader(resource, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private static string Hash(string text) =>
        $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
}
