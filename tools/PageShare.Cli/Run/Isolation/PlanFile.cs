using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run.Isolation;

/// <summary>A guest's plan on its way to the guest's process: a file without a name, since plans of large inputs are
/// larger than a message may be.</summary>
internal static class PlanFile
{
    /// <summary>Writes a plan.</summary>
    /// <returns>The files of the plan, by the numbers that the guest asks for them with.</returns>
    public static IReadOnlyList<InputFile> Write(Stream target, GuestPlan plan)
    {
        var numbers = new Dictionary<InputFile, int>();
        var files = new List<InputFile>();
        foreach (InputFile file in plan.Segments.Select(segment => segment.File).OfType<InputFile>())
        {
            if (numbers.TryAdd(file, files.Count))
            {
                files.Add(file);
            }
        }

        using var writer = new BinaryWriter(target, Encoding.UTF8, leaveOpen: true);
        writer.Write(files.Count);
        foreach (InputFile file in files)
        {
            writer.Write(file.Path);
            writer.Write(file.Length);
            writer.Write(file.Changed.Ticks);
        }

        writer.Write(plan.Segments.Count);
        foreach (PageSegment segment in plan.Segments)
        {
            writer.Write((byte)segment.Origin);
            writer.Write(segment.Pages);
            writer.Write(segment.File is InputFile file ? numbers[file] : -1);
        }

        return files;
    }

    /// <summary>Reads a plan.</summary>
    /// <param name="source">What <see cref="Write"/> wrote.</param>
    /// <param name="name">The guest's name.</param>
    /// <param name="open">Opens the file of a number.</param>
    public static GuestPlan Read(Stream source, string name, Func<int, SafeFileHandle> open)
    {
        using var reader = new BinaryReader(source, Encoding.UTF8, leaveOpen: true);
        var files = new InputFile[reader.ReadInt32()];
        for (int i = 0; i < files.Length; i++)
        {
            int number = i;
            files[i] = new InputFile(
                reader.ReadString(), reader.ReadInt64(), new DateTime(reader.ReadInt64(), DateTimeKind.Utc), () => open(number));
        }

        var segments = new PageSegment[reader.ReadInt32()];
        for (int i = 0; i < segments.Length; i++)
        {
            var origin = (PageOrigin)reader.ReadByte();
            long pages = reader.ReadInt64();
            int file = reader.ReadInt32();
            segments[i] = new PageSegment(0, pages, origin, file < 0 ? null : files[file]);
        }

        return GuestPlan.Of(name, segments);
    }
}
