using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Exporting.Adapters;

namespace QkvMigrate.Exporting;

/// <summary>Decides what an export writes.</summary>
internal static class ExportPlanner
{
    /// <summary>Plans the export of a model.</summary>
    /// <param name="files">The checkpoint: one file, or the shards of one model.</param>
    /// <param name="directory">Where its configuration and tokenizer lie.</param>
    /// <param name="options">What the user says.</param>
    /// <param name="mayRead">Whether tensors may be read, to compare the output head with the embedding.</param>
    /// <exception cref="MigrationException">There is no model in it, or none that Hugging Face's libraries know.</exception>
    public static ExportPlan Plan(IReadOnlyList<Checkpoint> files, string directory, ExportOptions options, bool mayRead)
    {
        var path = files[0].Source.Path;
        try
        {
            var found = ModelTensors.Find(files) ?? throw new MigrationException(
                FailureKind.Unsupported,
                "there is no model of LitGPT's in it: no tensor bears a name like transformer.h.0.attn.qkv.weight");
            if (!AdapterPlanner.IsOne(found))
            {
                ModelKinds.Check(found);
            }

            var source = options.ConfigurationPath ?? FindConfiguration(directory);
            var model = ModelFields.Read(source, ExportedFeatures.Refuse);
            if (AdapterPlanner.IsOne(found))
            {
                return AdapterPlanner.Plan(files[0], found, model, options.ConfigurationPath ?? Path.GetFileName(source), options);
            }

            var family = ModelFamilies.Of(model);
            var tensors = ExportedTensors.Of(found, model, family, options.DType);
            var weights = WeightFiles.Cut(tensors, options.MaximumShardBytes);
            var head = OutputHead.Of(found, mayRead);
            var configuration = HuggingFaceConfiguration.Of(family, model, directory, tensors, head);
            return new ExportPlan(
                family,
                model,
                options.ConfigurationPath ?? Path.GetFileName(source),
                found.Layout,
                weights,
                [.. weights.Count > 1 ? new[] { WeightFiles.Index(weights) } : [], .. configuration.Documents],
                [.. configuration.KeptFiles, .. Directory.EnumerateFiles(directory).Select(file => Path.GetFileName(file)).Where(TokenizerFiles.Are).Order(StringComparer.Ordinal)],
                [.. Advice(files, found, family, head), .. configuration.Advice])
            {
                TensorCount = found.Tensors.Count,
            };
        }
        catch (MigrationException error)
        {
            throw error.InFile(path);
        }
    }

    private static string FindConfiguration(string directory) =>
        ModelFields.FileNames.Select(name => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
        ?? throw new MigrationException(
            FailureKind.Geometry,
            $"no {string.Join(" or ", ModelFields.FileNames)} beside it, so what the model is made of is not known; --config FILE names one");

    private static IEnumerable<Advice> Advice(IReadOnlyList<Checkpoint> files, ModelTensors found, ModelFamily family, OutputHead head)
    {
        if (files.SelectMany(file => file.Optimizers).ToList() is { Count: > 0 } optimizers)
        {
            yield return new Advice(
                "optimizer-left-behind",
                $"optimizer state '{optimizers[0].Path}' of {optimizers[0].Parameters.Count} parameters stays behind: a model of Hugging Face's has none");
        }

        if (found.LeftBehind > 0)
        {
            yield return new Advice("tensors-left-behind", $"{found.LeftBehind} tensors that belong to no model stay behind");
        }

        if (family.TiesHead && head.Differs)
        {
            yield return new Advice(
                "head-left-out",
                $"the output head is not the embedding, but {family.Title} of Hugging Face's has one matrix for both: the head was left out, and the model will speak otherwise than in LitGPT");
        }
    }
}
