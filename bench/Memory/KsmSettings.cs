using System.Diagnostics;
using System.Globalization;

namespace PageShare.Bench.Memory;

/// <summary>The kernel's own engine, KSM, for as long as this process has it to itself.</summary>
/// <remarks>
/// <para>KSM has one set of settings for the whole machine, so whoever changes them has to put them back whatever
/// happens. <see cref="Dispose"/> does; and should this process end without it (Ctrl-C twice, SIGKILL, a crash), a
/// shell that does nothing but wait for that sees the end of its input and does it instead.</para>
/// <para>Needs root. Not thread-safe.</para>
/// </remarks>
internal sealed class KsmSettings : IDisposable
{
    private const string Folder = "/sys/kernel/mm/ksm/";
    private const string Run = "run";
    private const string Stop = "0";
    private const string Merge = "1";
    private const string Unmerge = "2";
    private const string Advisor = "advisor_mode";
    private const string NoAdvisor = "none";

    // While an advisor is at work the kernel refuses pages_to_scan, so it comes after the others.
    private static readonly string[] Kept =
        ["pages_to_scan", "sleep_millisecs", "smart_scan", "use_zero_pages", Advisor];

    private readonly (string Name, string Value)[] _before;
    private readonly Process? _guard;
    private bool _isPutBack;

    private KsmSettings()
    {
        _before = [.. Kept.Where(Exists).Select(static name => (name, Current(name)))];
        _guard = StartGuard();
    }

    /// <summary>As quick as it goes: never asleep, every page in every pass.</summary>
    public static IReadOnlyList<(string Name, string Value)> FlatOut { get; } =
    [
        (Advisor, NoAdvisor), ("smart_scan", "0"), ("use_zero_pages", "1"), ("pages_to_scan", "100000"),
        ("sleep_millisecs", "0"),
    ];

    /// <summary>What Linux starts with.</summary>
    public static IReadOnlyList<(string Name, string Value)> Defaults { get; } =
    [
        (Advisor, NoAdvisor), ("smart_scan", "1"), ("use_zero_pages", "0"), ("pages_to_scan", "100"),
        ("sleep_millisecs", "20"),
    ];

    /// <summary>The defaults with the advisor that picks pages_to_scan by the time that a pass should take; since Linux
    /// 6.8.</summary>
    public static IReadOnlyList<(string Name, string Value)> Advised { get; } =
        [.. Defaults, (Advisor, "scan-time")];

    /// <summary>Whether this kernel has advisors.</summary>
    public static bool HasAdvisor => Exists(Advisor);

    /// <summary>Why this process can't have KSM; null if it can.</summary>
    public static string? WhyNot
    {
        get
        {
            try
            {
                if (!Exists(Run))
                {
                    return "this kernel has no KSM.";
                }

                using (File.OpenWrite(Folder + Run))
                {
                    // Only to see whether we may.
                }

                if (Read(Run) != Stop)
                {
                    return "KSM is in use on this machine. 'echo 0 > /sys/kernel/mm/ksm/run' stops it.";
                }

                return Number("pages_sharing") > 0
                    ? "KSM is stopped, and somebody's pages are merged. 'echo 2 > /sys/kernel/mm/ksm/run' undoes that."
                    : null;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                return "KSM's settings may be changed by root alone.";
            }
        }
    }

    /// <summary>Notes the settings as they are. Until this is disposed they may be changed.</summary>
    /// <exception cref="InvalidOperationException">See <see cref="WhyNot"/>.</exception>
    public static KsmSettings Take() =>
        WhyNot is { } reason ? throw new InvalidOperationException(reason) : new KsmSettings();

    /// <summary>A figure of KSM; 0 where this kernel lacks it.</summary>
    public static long Number(string name) =>
        Exists(name)
        && long.TryParse(Read(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : 0;

    /// <summary>Stops KSM, and has it go on with these settings.</summary>
    public void Start(IEnumerable<(string Name, string Value)> settings)
    {
        Pause();
        foreach (var (name, value) in settings)
        {
            Write(name, value);
        }

        Write(Run, Merge);
    }

    /// <summary>Stops it; what is merged stays so.</summary>
    public void Pause() => Write(Run, Stop);

    /// <summary>Stops it and has it forget everything.</summary>
    public void Forget()
    {
        Write(Run, Unmerge);
        Write(Run, Stop);
    }

    /// <summary>Puts everything back as it was.</summary>
    public void Dispose()
    {
        if (_isPutBack)
        {
            return;
        }

        _isPutBack = true;
        Forget();
        Write(Advisor, NoAdvisor);
        Array.ForEach(_before, static setting => Write(setting.Name, setting.Value));
        _guard?.StandardInput.WriteLine("done");
        _guard?.WaitForExit();
        _guard?.Dispose();
    }

    private static bool Exists(string name) => File.Exists(Folder + name);

    private static string Read(string name) => File.ReadAllText(Folder + name).Trim();

    /// <summary>A setting as it is to be written back: of a list of choices the one in brackets.</summary>
    private static string Current(string name)
    {
        var text = Read(name);
        var open = text.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? text : text[(open + 1)..text.IndexOf(']', StringComparison.Ordinal)];
    }

    /// <summary>Older kernels lack some settings; what isn't there needs no change.</summary>
    private static void Write(string name, string value)
    {
        if (Exists(name))
        {
            File.WriteAllText(Folder + name, value);
        }
    }

    /// <summary>Null where there is no shell: then only <see cref="Dispose"/> puts things back.</summary>
    private Process? StartGuard()
    {
        IEnumerable<(string Name, string Value)> steps =
            [(Run, Unmerge), (Run, Stop), (Advisor, NoAdvisor), .. _before];
        var putBack = string.Join("; ", steps
            .Where(static step => Exists(step.Name))
            .Select(static step => $"echo {step.Value} > {Folder}{step.Name}"));

        // Ctrl-C goes to all of a terminal's processes: this one outlives it, to see whether its parent does its work.
        var script = $"trap '' INT TERM HUP; read -r word; [ \"$word\" = done ] || {{ {putBack}; }}";
        try
        {
            return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardInput = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
