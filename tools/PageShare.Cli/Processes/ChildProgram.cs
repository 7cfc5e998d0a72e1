using System.Runtime.InteropServices;

namespace PageShare.Cli.Processes;

/// <summary>How to start this program again.</summary>
/// <param name="File">What to execute.</param>
/// <param name="Before">Arguments before those of the command line.</param>
internal sealed record ChildProgram(string File, IReadOnlyList<string> Before)
{
    private const string Assembly = "pageshare.dll";

    /// <summary>As this process was started.</summary>
    public static ChildProgram OfThisProcess() => In(AppContext.BaseDirectory);

    /// <summary>The same from a folder with a copy of the program.</summary>
    public static ChildProgram In(string folder)
    {
        // The runtime lies in FOLDER/shared/NAME/VERSION. Not by the program's own starter: that looks for the runtime
        // by variables and files which another user may not have.
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        string assembly = Path.Combine(folder, Assembly);
        if (System.IO.File.Exists(dotnet) && System.IO.File.Exists(assembly))
        {
            return new ChildProgram(dotnet, ["exec", assembly]);
        }

        // A program that carries its runtime with it.
        string self = Environment.ProcessPath ?? throw CommandException.Failed("can't find out which program this is");
        return new ChildProgram(Path.Combine(folder, Path.GetFileName(self)), []);
    }
}
