using System.CommandLine;
using PageShare.Platform;

namespace PageShare.Cli.Doctor;

/// <summary>The definition of <c>pageshare doctor</c>: looks at the machine and says what it means for
/// PageShare.</summary>
internal static class DoctorCommand
{
    private const string Notes = """
        Each line says what was found, what it means here, and, where something can be better, the command that does it.
        States: good, note (worth knowing), limited (works, but could do better), UNUSABLE.

        Exit codes:
          0  PageShare works here
          1  something makes it unusable
          2  bad usage
        """;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON object to standard output." };
        Option<string?> html = CommandOptions.Html();
        var command = new Command("doctor", "Checks what this machine offers, and says what would improve it.")
        {
            json, html,
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("What is this machine like?", "pageshare doctor"),
            ("In a script, the checks that could be better:",
                "pageshare doctor --json | jq '.checks[] | select(.state == \"limited\")'"));
        command.SetAction(parsed => Program.Guard(() => Execute(parsed.GetValue(json), parsed.GetValue(html))));
        return command;
    }

    private static int Execute(bool json, string? html)
    {
        DoctorReport report = KernelProbe.IsLinux ? Examine(MachineFacts.Gather()) : ExamineOtherSystem();
        if (html is not null)
        {
            DoctorPage.Of(report).WriteTo(html);
        }

        if (json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            report.Write(Console.Out);
        }

        return report.Usable ? ExitCode.Success : ExitCode.Failed;
    }

    /// <summary>Where there is no /proc to ask: whether it works, and what that leaves open.</summary>
    private static DoctorReport ExamineOtherSystem() => new()
    {
        Findings =
        [
            EngineTrial.Try(FaultMode.Signal),
            EngineTrial.Try(FaultMode.Kernel),
            new Finding(
                "kernel features",
                FindingState.Note,
                "not looked at",
                "What is examined here beyond a trial is Linux's: limits on mappings, userfaultfd, PAGEMAP_SCAN, perf, KSM, "
                + "cgroups. On Windows each pass hashes all pages, breaks of fault mode Kernel are counted at the next pass, and "
                + "what is saved is physical memory: the commit charge stays."),
        ],
    };

    private static DoctorReport Examine(MachineFacts facts) => new()
    {
        Findings =
        [
            KernelChecks.Version(facts),
            EngineTrial.Try(FaultMode.Signal),
            EngineTrial.Try(FaultMode.Kernel),
            MappingChecks.Mappings(facts),
            MappingChecks.Descriptors(facts),
            KernelChecks.Userfaultfd(facts, KernelProbe.Userfaultfd()),
            KernelChecks.PagemapScan(KernelProbe.PagemapScan()),
            KernelChecks.BreakEvents(facts, KernelProbe.PageFaultEvents()),
            KernelChecks.Ksm(facts),
            KernelChecks.AddressRandomization(facts),
            MemoryChecks.Available(facts),
            MemoryChecks.CgroupLimit(facts),
            MemoryChecks.MemoryObjects(facts),
            MemoryChecks.Overcommit(facts),
            MemoryChecks.HugePages(facts),
            MemoryChecks.Compiler(facts),
        ],
    };
}
