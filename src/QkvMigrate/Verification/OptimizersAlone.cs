using QkvMigrate.Checkpoints;
using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>
/// Looks for optimizers whose model is in another file, and changed: a copy of such an optimizer has moments of rows that now stand
/// elsewhere.
/// </summary>
internal static class OptimizersAlone
{
    /// <summary>Looks through a file without fused tensors.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file.</param>
    /// <param name="log">Takes what is found.</param>
    public static void Find(Checkpoint original, Checkpoint upgraded, DifferenceLog log)
    {
        if (original.Optimizers.Count == 0 || VerifiedLayouts.All.Any(layout => FusedTensors.Any(original, layout)))
        {
            return;
        }

        var models = VerifiedModels.Beside(original, []);
        foreach (var optimizer in original.Optimizers)
        {
            var kept = optimizer.Parameters.Where(parameter => parameter.State.Count + parameter.Unreadable.Count > 0).ToList();
            if (kept.Count == 0 || models.Exists(model => OptimizerMoments.IsOf(optimizer, model)))
            {
                continue;
            }

            var names = kept.ConvertAll(parameter => parameter.IsNumbered ? parameter.Given?.Text : parameter.Id);
            var isOfFused = names.Exists(name => name is not null && FusedName.Find(name, VerifiedLayouts.Interleaved) is not null);
            if (isOfFused || (names.Contains(null) && ChangedBeside(original.Source.Path, upgraded.Source.Path)))
            {
                log.Add(
                    $"optimizer state '{optimizer.Path}'",
                    "its model is in another file and changed, and what it keeps did not follow, or cannot be told to");
            }
        }
    }

    /// <summary>Whether a file beside the first one has another layout in the file of its name beside the second.</summary>
    private static bool ChangedBeside(string original, string upgraded)
    {
        var (from, to) = (FilePlace.DirectoryOf(original), FilePlace.DirectoryOf(upgraded));
        return from != to && Directory.EnumerateFiles(from).Any(file => file != original && HasChanged(file, Path.Combine(to, Path.GetFileName(file))));
    }

    private static bool HasChanged(string before, string after)
    {
        try
        {
            if (!File.Exists(after) || !Checkpoint.LooksLikeOne(before))
            {
                return false;
            }

            using var first = Checkpoint.Open(before);
            using var second = Checkpoint.Open(after);
            return VerifiedLayouts.All.Any(layout => FusedTensors.Any(first, layout) && !FusedTensors.Any(second, layout));
        }
        catch (MigrationException)
        {
            // A file that cannot be read has a report of its own.
            return false;
        }
    }
}
