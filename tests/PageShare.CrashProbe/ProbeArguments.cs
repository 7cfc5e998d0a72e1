using System.Globalization;

namespace PageShare.CrashProbe;

/// <summary>Arguments in pairs: "--name value".</summary>
internal sealed class ProbeArguments
{
    private readonly Dictionary<string, string> _values = [];

    public ProbeArguments(ReadOnlySpan<string> arguments)
    {
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == arguments.Length)
            {
                throw new ProbeFailedException($"Expected '--name value', not '{arguments[i]}'.");
            }

            _values[arguments[i][2..]] = arguments[i + 1];
        }
    }

    /// <summary>
    /// --engine signal, kernel or none: the fault mode of the scenario's guests, null for no engine at all.
    /// </summary>
    public FaultMode? Engine => Text("engine", "none") is var mode && mode == "none"
        ? null
        : Enum.Parse<FaultMode>(mode, ignoreCase: true);

    /// <summary>The mode of a scenario that makes no sense without an engine.</summary>
    public FaultMode RequiredEngine =>
        Engine ?? throw new ProbeFailedException("This scenario needs --engine signal or kernel.");

    public string Text(string name, string fallback) => _values.GetValueOrDefault(name, fallback);

    public string Required(string name) =>
        _values.GetValueOrDefault(name) ?? throw new ProbeFailedException($"This scenario needs --{name}.");

    public int Number(string name, int fallback) =>
        _values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    public double Real(string name, double fallback) =>
        _values.TryGetValue(name, out var text) ? double.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
