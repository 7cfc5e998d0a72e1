using System.Globalization;
using System.Text.Json;

namespace PageShare.Host.Configuration;

/// <summary>A value of the configuration, with where it stands, for the message when it can't be used.</summary>
internal sealed class Setting
{
    private readonly JsonElement _value;
    private readonly string? _text; // as written in an environment variable or an option, which know no quotes

    private Setting(string source, string key, JsonElement value, string? text)
    {
        Source = source;
        Key = key;
        _value = value;
        _text = text;
    }

    /// <summary>A file, a variable, an option.</summary>
    public string Source { get; }

    /// <summary>Names joined by dots.</summary>
    public string Key { get; }

    /// <summary>Whether it says "as if it were not here".</summary>
    public bool IsNull => _value.ValueKind == JsonValueKind.Null;

    /// <summary>A value of a file.</summary>
    public static Setting OfJson(string source, string key, JsonElement value) => new(source, key, value, text: null);

    /// <summary>A value of a variable or an option: <c>25</c>, <c>true</c> and <c>null</c> are what they look
    /// like.</summary>
    public static Setting OfText(string source, string key, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind
                is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null)
            {
                return new Setting(source, key, document.RootElement.Clone(), text);
            }
        }
        catch (JsonException)
        {
            // Words and paths are no JSON.
        }

        return new Setting(source, key, JsonSerializer.SerializeToElement(text), text);
    }

    /// <summary>The entries of an object, each once.</summary>
    /// <param name="what">What the entries are, for the message.</param>
    public IReadOnlyList<(string Name, Setting Value)> Members(string what)
    {
        Require(_value.ValueKind == JsonValueKind.Object, $"must be an object of {what}");
        var members = new List<(string Name, Setting Value)>();
        foreach (var member in _value.EnumerateObject())
        {
            var inner = OfJson(Source, Key.Length == 0 ? member.Name : $"{Key}.{member.Name}", member.Value);
            inner.Require(members.TrueForAll(other => other.Name != member.Name), "stands here twice");
            members.Add((member.Name, inner));
        }

        return members;
    }

    /// <summary>The elements of an array.</summary>
    public IReadOnlyList<Setting> Items(string what)
    {
        Require(_value.ValueKind == JsonValueKind.Array, $"must be an array of {what}");
        return [.. _value.EnumerateArray().Select((item, at) => OfJson(Source, $"{Key}[{at}]", item))];
    }

    /// <summary>A text that is not empty.</summary>
    public string Text(string what)
    {
        var text = _text ?? (_value.ValueKind == JsonValueKind.String ? _value.GetString()! : "");
        Require(!string.IsNullOrWhiteSpace(text), $"must be {what}");
        return text;
    }

    /// <summary>A user: a name, or a user id with or without quotes.</summary>
    public string User()
    {
        const string Allowed = "a user's name, a user id, or \"*\"";
        return _value.ValueKind == JsonValueKind.Number
            ? Whole(0, uint.MaxValue, "as a user id").ToString(CultureInfo.InvariantCulture)
            : Text(Allowed);
    }

    /// <summary>One of some words, without regard to case.</summary>
    public T Word<T>()
        where T : struct, Enum
    {
        var words = string.Join(", ",
            Enum.GetNames<T>().Select(static name => $"\"{char.ToLowerInvariant(name[0])}{name[1..]}\""));
        var text = Text($"one of {words}");
        Require(
            Enum.TryParse<T>(text, ignoreCase: true, out var word) && char.IsLetter(text[0]),
            $"is \"{text}\", but must be one of {words}");
        return word;
    }

    /// <summary>Yes or no.</summary>
    public bool Switch()
    {
        Require(_value.ValueKind is JsonValueKind.True or JsonValueKind.False, "must be true or false");
        return _value.GetBoolean();
    }

    /// <summary>A whole number.</summary>
    public long Whole(long minimum, long maximum, string unit)
    {
        var number = 0L;
        Require(
            _value.ValueKind == JsonValueKind.Number && _value.TryGetInt64(out number)
                && number >= minimum && number <= maximum,
            string.Create(
                CultureInfo.InvariantCulture, $"must be a whole number from {minimum} to {maximum} {unit}"));
        return number;
    }

    /// <summary>The same of 32 bits.</summary>
    public int Count(int minimum, string unit) => (int)Whole(minimum, int.MaxValue, unit);

    /// <summary>Any number.</summary>
    public double Real()
    {
        var number = 0.0;
        Require(
            _value.ValueKind == JsonValueKind.Number && _value.TryGetDouble(out number) && double.IsFinite(number),
            "must be a number");
        return number;
    }

    /// <summary>A duration with its unit.</summary>
    public TimeSpan Duration()
    {
        const string Allowed = "must be a duration such as \"500ms\", \"20s\", \"5m\", \"1h\" or \"00:00:20\"";
        var text = _text ?? (_value.ValueKind == JsonValueKind.String ? _value.GetString()! : "");
        if (text.Contains(':', StringComparison.Ordinal))
        {
            Require(TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var clock), Allowed);
            return clock;
        }

        var digits = text.TakeWhile(static c => char.IsAsciiDigit(c) || c == '.').Count();
        double? seconds = text[digits..] switch
        {
            "ms" => 0.001,
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => null,
        };
        var number = 0.0;
        Require(
            seconds is not null && double.TryParse(
                text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number)
                && number * seconds.Value < 1e9,
            Allowed);
        return TimeSpan.FromMilliseconds(Math.Round(number * seconds!.Value * 1000));
    }

    /// <exception cref="HostConfigurationException">It does not hold.</exception>
    public void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new HostConfigurationException(Source, Key, problem + ".");
        }
    }
}
