using System.Globalization;
using System.Text.Json.Nodes;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Exporting.Adapters;

/// <summary>Decides what an export makes of LitGPT's LoRA: an adapter of PEFT's, for a family that has q, k and v apart.</summary>
internal static class AdapterPlanner
{
    private const string WeightsName = "adapter_model.safetensors";
    private const string ConfigurationName = "adapter_config.json";
    private const string SuffixA = ".lora_A";
    private const string SuffixB = ".lora_B";

    /// <summary>Whether a checkpoint has a LoRA in it and nothing else, as LitGPT's <c>lit_model.pth.lora</c> has.</summary>
    public static bool IsOne(ModelTensors found) =>
        found.Tensors.Keys.All(name => name.EndsWith(SuffixA, StringComparison.Ordinal) || name.EndsWith(SuffixB, StringComparison.Ordinal));

    /// <summary>Plans the export of a LoRA.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="found">Its tensors.</param>
    /// <param name="model">The configuration of the model that it belongs to.</param>
    /// <param name="configurationName">Where that came from.</param>
    /// <param name="options">What the user says.</param>
    /// <exception cref="MigrationException">
    /// The family keeps q, k and v in one matrix, or the LoRA is not one of LitGPT's, or its scaling is not known.
    /// </exception>
    public static ExportPlan Plan(Checkpoint checkpoint, ModelTensors found, ModelConfiguration model, string configurationName, ExportOptions options)
    {
        var family = ModelFamilies.Of(model);
        if (family.Fused != FusedTreatment.Split)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{family.Title} of Hugging Face's keeps q, k and v in one matrix, of which LitGPT's LoRA has three deltas; 'qkvmigrate upgrade --lora merge' makes a model of it that can be exported");
        }

        var layers = LoraLayer.Find(checkpoint, found.Layout.Module);
        var shape = LoraShape.Of(checkpoint, layers, model.Geometry, "export");
        var said = LoraHyperparameters.FindBeside(checkpoint.Source.Path);
        if (said?.Rank is { } rank && rank != shape.Rank)
        {
            throw new MigrationException(
                FailureKind.Conflict,
                string.Create(CultureInfo.InvariantCulture, $"lora_r in {LoraHyperparameters.FileName} is {rank}, but lora_B has {shape.Rank} columns"),
                where: $"tensor '{layers[0].B.Label}'");
        }

        var alpha = options.Lora.Alpha ?? said?.Alpha
            ?? throw new MigrationException(
                FailureKind.Usage,
                $"lora_alpha is not known: {(said is null ? "no" : "not in the")} {LoraHyperparameters.FileName} beside the file; --lora-alpha settles it");
        var matrices = new AdapterMatrices(shape, model.Geometry, AddedByRow(layers, found.Layout, model.Geometry, options.Lora), options.DType);
        var factor = matrices.Rank / shape.Rank;
        var (tensors, targets) = new AdapterTargets(found, model, family).Of(layers, matrices);
        return new ExportPlan(
            family,
            model,
            configurationName,
            found.Layout,
            [new WeightFile(WeightsName, SafetensorsText.InOrder(tensors))],
            [ExportedDocument.Json(ConfigurationName, Configuration(model, matrices.Rank, alpha * factor, targets))],
            [],
            Advice(model, shape, matrices.Rank))
        {
            TensorCount = found.Tensors.Count,
        };
    }

    /// <summary>The sequential order of the interleaved rows to which the delta was added row by row; null where each section's went to its own.</summary>
    private static RowPermutation? AddedByRow(IReadOnlyList<LoraLayer> layers, LayoutFamily layout, AttentionGeometry geometry, LoraOptions options)
    {
        var fused = layers.Where(layer => layer.IsFused).ToList();
        if (layout != LayoutFamilies.Interleaved || fused.Count == 0 || !LoraPlan.AddsByRow(fused, options))
        {
            return null;
        }

        var rows = RowPermutation.Between(geometry, RowOrder.Interleaved, RowOrder.Sequential);
        return rows.IsIdentity ? null : rows;
    }

    private static List<Advice> Advice(ModelConfiguration model, LoraShape shape, long rank)
    {
        var advice = new List<Advice> { new("adapter-base", $"{ConfigurationName} names {Base(model)} as the base; it is exported from LitGPT's, or loaded as it is where LitGPT's was made of it") };
        if (rank != shape.Rank)
        {
            advice.Add(new("adapter-expanded", string.Create(CultureInfo.InvariantCulture, $"LitGPT added this LoRA to interleaved rows, whatever head they belonged to; PEFT's adds the same at rank {rank} instead of {shape.Rank}, with {rank / shape.Rank} times its lora_alpha")));
        }

        return advice;
    }

    private static string Base(ModelConfiguration model) => model.HuggingFaceName ?? model.Name;

    /// <summary>PEFT's <c>LoraConfig</c> (peft/tuners/lora/config.py).</summary>
    private static JsonObject Configuration(ModelConfiguration model, long rank, double alpha, IEnumerable<string> targets) => new()
    {
        ["base_model_name_or_path"] = Base(model),
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["inference_mode"] = true,
        ["lora_alpha"] = alpha == Math.Truncate(alpha) ? JsonValue.Create((long)alpha) : JsonValue.Create(alpha),
        ["lora_dropout"] = 0,
        ["modules_to_save"] = null,
        ["peft_type"] = "LORA",
        ["r"] = rank,
        ["target_modules"] = new JsonArray([.. targets.Select(target => (JsonNode)target)]),
        ["task_type"] = "CAUSAL_LM",
        ["use_dora"] = false,
        ["use_rslora"] = false,
    };
}
