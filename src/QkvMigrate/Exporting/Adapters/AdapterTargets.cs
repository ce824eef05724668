using System.Globalization;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Exporting.Adapters;

/// <summary>Which of Hugging Face's modules the layers of a LoRA belong to.</summary>
internal sealed class AdapterTargets(ModelTensors found, ModelConfiguration model, ModelFamily family)
{
    private readonly Dictionary<TensorEntry, string> names = found.Tensors.ToDictionary(
        entry => entry.Value,
        entry => entry.Key,
        (IEqualityComparer<TensorEntry>)ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, ModelParameter> parameters = ModelParameters.Of(model)
        .Where(parameter => parameter.Kind == "weight")
        .ToDictionary(parameter => parameter.Name);

    /// <summary>PEFT's tensors, and the last steps of the modules that have some.</summary>
    /// <exception cref="MigrationException">
    /// A layer is none of the model's or has other sizes, has no place in the family, or is not in every block.
    /// </exception>
    public (IReadOnlyList<ExportedTensor> Tensors, IReadOnlyList<string> Targets) Of(IReadOnlyList<LoraLayer> layers, AdapterMatrices matrices)
    {
        var tensors = new List<ExportedTensor>();
        var targets = new List<string>();
        foreach (var same in layers.Select(layer => (Layer: layer, Parameter: Parameter(layer))).GroupBy(pair => pair.Parameter.Module))
        {
            // PEFT finds modules by the ends of their names, in all blocks.
            if (same.Key != ModelParameters.Head && same.Count() != model.LayerCount)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    $"{same.Count()} of {model.LayerCount} blocks have LoRA there; LitGPT has it in all or none",
                    where: $"tensor '{same.First().Layer.A.Label}'");
            }

            var modules = Modules(same.Key, same.First().Layer);
            foreach (var (layer, parameter) in same)
            {
                var numbered = modules.Select(module => ModelParameter.Numbered(module, parameter.Numbers)).ToList();
                tensors.AddRange(layer.IsFused ? matrices.Fused(layer, numbered) : matrices.Plain(layer, numbered[0]));
            }

            targets.AddRange(modules.Where(module => tensors.Exists(tensor => tensor.Name.Contains($"{Last(module)}.lora_A", StringComparison.Ordinal))).Select(Last));
        }

        return (tensors, targets);
    }

    private ModelParameter Parameter(LoraLayer layer)
    {
        var name = names.GetValueOrDefault(layer.A) ?? throw Refused(layer, "it belongs to no model");
        var weight = FusedNames.Renamed($"{name[..name.LastIndexOf('.')]}.weight", found.Layout, LayoutFamilies.Sequential);
        var parameter = parameters.GetValueOrDefault(weight) ?? throw Refused(layer, "its configuration has no such layer");
        return layer.A.Shape[1] == parameter.Shape[1] && (layer.IsFused || layer.B.Shape[0] == parameter.Shape[0])
            ? parameter
            : throw new MigrationException(
                FailureKind.Geometry,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"it is a LoRA of a matrix ({layer.B.Shape[0]}, {layer.A.Shape[1]}), the configuration takes ({string.Join(", ", parameter.Shape)})"),
                where: $"tensor '{layer.A.Label}'");
    }

    private IReadOnlyList<string> Modules(string module, LoraLayer layer) =>
        family.Modules.TryGetValue(module, out var modules) && !module.Contains(".experts.", StringComparison.Ordinal) && module != "transformer.h.{}.mlp.gate"
            ? modules
            : throw Refused(
                layer,
                $"PEFT has no LoRA for the experts and the router of {family.Title}; 'qkvmigrate upgrade --lora merge' makes a model of it that can be exported");

    private static string Last(string module) => module[(module.LastIndexOf('.') + 1)..];

    private static MigrationException Refused(LoraLayer layer, string problem) => new(FailureKind.Unsupported, problem, where: $"tensor '{layer.A.Label}'");
}
