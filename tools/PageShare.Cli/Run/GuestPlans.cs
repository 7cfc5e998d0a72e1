namespace PageShare.Cli.Run;

/// <summary>Makes the plans of all guests of a run.</summary>
internal static class GuestPlans
{
    /// <summary>A plan for each guest.</summary>
    /// <exception cref="CommandException">The input can't be used.</exception>
    public static IReadOnlyList<GuestPlan> Make(RunOptions options, RunView view) =>
        options.HasImages ? ForImages(options, view) : ForFiles(options);

    /// <summary>The seed of one guest's private bytes and choices.</summary>
    public static ulong SeedOf(long seed, int guest) => SeededRandom.Mix((ulong)seed, (ulong)guest);

    /// <summary>The seed of what a guest does while it works.</summary>
    public static ulong WorkSeedOf(ulong guestSeed) => SeededRandom.Mix(guestSeed, 1);

    private static GuestPlan[] ForFiles(RunOptions options)
    {
        IReadOnlyList<InputFile> files = InputSet.Find(options.Inputs);
        var plans = new GuestPlan[options.Guests];
        for (int i = 0; i < plans.Length; i++)
        {
            plans[i] = GuestPlan.ForFiles($"guest-{i + 1}", files, SeedOf(options.Seed, i));
        }

        return plans;
    }

    private static List<GuestPlan> ForImages(RunOptions options, RunView view)
    {
        var plans = new List<GuestPlan>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (InputFile image in InputSet.FindImages(options.Images))
        {
            if (image.Length % Quantity.PageBytes != 0)
            {
                view.Note($"{image.Path} ends within a page: the rest of that page is filled with zeroes");
            }

            string plain = Path.GetFileNameWithoutExtension(image.Path);
            string name = plain;
            for (int number = 2; !names.Add(name); number++)
            {
                name = $"{plain}-{number}";
            }

            plans.Add(GuestPlan.ForImage(name, image));
        }

        return plans;
    }
}
