using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>
/// Refuses optimizers whose model is in another file (<c>optimizer.pth</c> beside <c>lit_model.pth</c>): left as they are beside an
/// upgraded model, their moments would belong to other rows.
/// </summary>
internal static class LoneOptimizers
{
    private const string WayOut = "save both in one file, torch.save({\"model\": ..., \"optimizer\": ...}, FILE), and work on that";

    /// <summary>Looks at the optimizers of a file without fused tensors; tells of those that nothing can be said of.</summary>
    /// <param name="scan">The file.</param>
    /// <param name="conversion">What was asked for.</param>
    /// <exception cref="MigrationException">An optimizer is one of a model with fused tensors.</exception>
    public static IReadOnlyList<Advice> Check(AttentionScan scan, Conversion conversion)
    {
        var lone = scan.Fused.Count > 0 ? [] : scan.Checkpoint.Optimizers.Where(optimizer => optimizer.HasState && !HasModel(scan, optimizer)).ToList();
        if (lone.Count == 0)
        {
            return [];
        }

        foreach (var optimizer in lone)
        {
            if (optimizer.Parameters.Select(parameter => parameter.Name).OfType<string>().FirstOrDefault(name => IsFused(name, conversion.From)) is { } fused)
            {
                throw Refused(optimizer, $"its parameter '{fused}' is a fused tensor of a model in another file");
            }
        }

        if (lone.Find(optimizer => optimizer.Parameters.Any(parameter => parameter.HasState && parameter.Name is null)) is not { } numbered)
        {
            return [];
        }

        return ModelBeside(scan.Checkpoint.Source.Path, conversion.From) is { } model
            ? throw Refused(numbered, $"its model is in another file, and {model} beside it has fused tensors to be moved")
            : [new Advice(
                "optimizer-without-model",
                $"the model of optimizer state '{numbered.Path}' is in another file: it stays as it is, and belongs to the model as that was")];
    }

    private static bool IsFused(string name, LayoutFamily layout) =>
        FusedNames.TrySplit(name, layout.Module, out _, out _) || SpelledName.IsFused(name, layout);

    private static bool HasModel(AttentionScan scan, OptimizerEntry optimizer) =>
        OtherModels.Of(scan, []).Any(model => ParameterOwners.Fits(optimizer, model.Tensors));

    /// <summary>The name of a checkpoint in the same folder with fused tensors of a layout, or null.</summary>
    private static string? ModelBeside(string path, LayoutFamily layout)
    {
        foreach (var file in Directory.EnumerateFiles(FilePlace.DirectoryOf(path)).Order(StringComparer.Ordinal))
        {
            if (file != path && HasLayout(file, layout))
            {
                return Path.GetFileName(file);
            }
        }

        return null;
    }

    private static bool HasLayout(string file, LayoutFamily layout)
    {
        try
        {
            if (!Checkpoint.LooksLikeOne(file))
            {
                return false;
            }

            using var checkpoint = Checkpoint.Open(file);
            return AttentionScan.Of(checkpoint).Layout == layout;
        }
        catch (MigrationException)
        {
            // What cannot be read is refused, or passed over, where it is worked on itself.
            return false;
        }
    }

    private static MigrationException Refused(OptimizerEntry optimizer, string problem) =>
        new(FailureKind.Unsupported, $"{problem}; {WayOut}", where: $"optimizer state '{optimizer.Path}'");
}
