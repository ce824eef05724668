using System.Globalization;
using System.Text.Json.Nodes;
using QkvMigrate.Attention;
using QkvMigrate.Configuration;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>
/// Compares an adapter of PEFT's with LitGPT's LoRA, element by element. What LitGPT added to which row follows from the era: to
/// the section's own rows, or, before #900 and where q, k and v all had LoRA before 0.5.4, to the row of the same number of the
/// interleaved matrix. The file does not say the era, but the result does: in the second case its rank is higher, or q, k and v
/// all have an adapter, though not all had LoRA.
/// </summary>
internal sealed class AdapterComparison(
    OriginalModel original,
    ModelConfiguration model,
    ExportedFolder exported,
    DifferenceLog log,
    CancellationToken cancellation)
{
    /// <summary>The adapter's configuration.</summary>
    public const string ConfigurationName = "adapter_config.json";
    private const int Sections = 3;

    private static readonly string Place = $"file '{ConfigurationName}'";

    /// <summary>Whether all of a checkpoint's tensors are a LoRA's.</summary>
    public static bool IsOne(OriginalModel original) =>
        original.Tensors.Keys.All(name => name.EndsWith(".lora_A", StringComparison.Ordinal) || name.EndsWith(".lora_B", StringComparison.Ordinal));

    /// <summary>Compares all.</summary>
    /// <returns>The family, where one was told, and how many bytes of tensors were compared.</returns>
    /// <exception cref="MigrationException">The LoRA is none of LitGPT's.</exception>
    public (VerifiedFamily? Family, long Bytes) Run()
    {
        var pairs = LoraPair.Of(original.Files[0], original.Layout);
        if (2 * pairs.Count != original.Tensors.Count || pairs.Count == 0)
        {
            throw new MigrationException(FailureKind.Malformed, "a LoRA has an A and a B for each layer", original.Files[0].Source.Path);
        }

        var found = exported.Take(ConfigurationName) ? ExportedJson.Read(exported.At(ConfigurationName), Place, log) : null;
        if (found is null)
        {
            log.Add(Place, "it is not there, or no JSON object");
            return (null, 0);
        }

        var family = VerifiedFamilies.All.FirstOrDefault(one => one.Is(model) && one.Features.All(feature => feature.Fits(model)) && one.Modules.Any(IsQuery));
        if (family is null)
        {
            log.Add(Place, "no family with q, k and v apart is built like LitGPT's model");
            return (null, 0);
        }

        var rank = pairs[0].Rank;
        var newRank = found.GetValueOrDefault("r") is { } said && long.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;
        var expected = new ExpectedAdapter(original, model, newRank);
        var fused = pairs.Find(pair => pair.IsFused);
        var isByRow = fused is not null && (newRank != rank || (fused.BlockCount < Sections && HasAllSections(family)));
        if (newRank != (isByRow ? rank * fused!.BlockCount : rank) || (isByRow && original.Layout != VerifiedLayouts.Interleaved))
        {
            log.Add(Place, $"r is {found.GetValueOrDefault("r") ?? "missing"}, expected {rank}");
        }
        else if (!isByRow && fused is { BlockCount: Sections } && original.Layout == VerifiedLayouts.Interleaved && model.Geometry.QueryGroupCount > 1)
        {
            log.Add(Place, "q, k and v all had LoRA, whose delta was added to interleaved rows; at the same rank it is added to other heads");
        }
        else if (isByRow && pairs.Find(pair => pair.IsFused && !LoraDelta.IsFinite(pair.A)) is { } infinite)
        {
            log.Add(
                $"tensor '{infinite.A.Label}'",
                "it has infinite numbers or NaN, which times the adapter's zeros are NaN where the first file's LoRA has numbers");
        }
        else
        {
            var best = Choices(fused)
                .Select(choice => expected.Of(family, pairs, choice, isByRow))
                .Select(tensors => (Log: Compare(tensors), Tensors: tensors))
                .MinBy(result => result.Log.Count);
            log.Add(best.Log);
            CompareConfiguration(found, best.Tensors, rank, newRank);
        }

        return (family, exported.Tensors.Values.Sum(tensor => tensor.Storage.Length));
    }

    /// <summary>Which of q, k and v have LoRA, as far as shapes say; the tensors' names and bytes tell the rest.</summary>
    private List<bool[]> Choices(LoraPair? fused)
    {
        if (fused is null)
        {
            return [[false, false, false]];
        }

        long[] rows = [model.Geometry.ProjectionColumns, (long)model.Geometry.QueryGroupCount * model.Geometry.HeadSize, (long)model.Geometry.QueryGroupCount * model.Geometry.HeadSize];
        var fitting = Enumerable.Range(1, 7).Select(bits => new[] { (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0 })
            .Where(choice => choice.Count(enabled => enabled) == fused.BlockCount && rows.Zip(choice, (count, enabled) => enabled ? count : 0).Sum() == fused.B.Shape[0])
            .ToList();
        if (LoraHyperparameters.FindBeside(original.Files[0].Source.Path) is { } said
            && fitting.FindAll(choice => said.Agrees(new LoraSections(choice[0], choice[1], choice[2]))) is [var settled])
        {
            return [settled];
        }

        return fitting.Count > 0 ? fitting : throw new MigrationException(
            FailureKind.Geometry,
            $"its {fused.B.Shape[0]} rows are not those of {fused.BlockCount} of q, k and v",
            original.Files[0].Source.Path,
            $"tensor '{fused.B.Label}'");
    }

    private DifferenceLog Compare(IReadOnlyList<ExpectedMatrix> expected)
    {
        var differences = new DifferenceLog();
        var left = exported.Tensors.Keys.ToHashSet();
        foreach (var matrix in expected)
        {
            cancellation.ThrowIfCancellationRequested();
            if (left.Remove(matrix.Name))
            {
                matrix.Compare(exported.Tensors[matrix.Name], differences);
            }
            else
            {
                differences.Add($"tensor '{matrix.Name}'", "it is not there");
            }
        }

        foreach (var name in left.Order(StringComparer.Ordinal))
        {
            differences.Add($"tensor '{name}'", "the LoRA has nothing of which it could be made");
        }

        return differences;
    }

    private void CompareConfiguration(Dictionary<string, string> found, IReadOnlyList<ExpectedMatrix> tensors, long rank, long newRank)
    {
        var targets = tensors.Select(tensor => tensor.Target).Distinct().Order(StringComparer.Ordinal).ToList();
        var named = Enumerable.Range(0, targets.Count)
            .Select(i => found.GetValueOrDefault($"target_modules[{i.ToString(CultureInfo.InvariantCulture)}]"))
            .Order(StringComparer.Ordinal);
        if (!named.SequenceEqual(targets.Select(target => $"\"{target}\"")))
        {
            log.Add(Place, $"target_modules are {string.Join(", ", named)}, expected {string.Join(", ", targets)}");
        }

        var expected = ExportedJson.Leaves(new JsonObject
        {
            ["base_model_name_or_path"] = model.HuggingFaceName ?? model.Name,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["inference_mode"] = true,
            ["lora_dropout"] = 0,
            ["modules_to_save"] = null,
            ["peft_type"] = "LORA",
            ["r"] = newRank,
            ["task_type"] = "CAUSAL_LM",
            ["use_dora"] = false,
            ["use_rslora"] = false,
        });
        expected["target_modules[]"] = $"a list of {targets.Count.ToString(CultureInfo.InvariantCulture)}";

        // What nobody wrote down beside the LoRA, a user said: then only its being a number is known.
        var alpha = LoraHyperparameters.FindBeside(original.Files[0].Source.Path)?.Alpha;
        var scaled = alpha * newRank / rank;
        var text = found.GetValueOrDefault("lora_alpha");
        expected["lora_alpha"] = scaled is { } worth && double.TryParse(text, CultureInfo.InvariantCulture, out var value) && value == worth ? text!
            : scaled is null && double.TryParse(text, CultureInfo.InvariantCulture, out _) ? text!
            : scaled?.ToString("R", CultureInfo.InvariantCulture) ?? "a number";
        ExportedJson.Compare(
            expected,
            found.Where(leaf => !leaf.Key.StartsWith("target_modules[", StringComparison.Ordinal) || leaf.Key == "target_modules[]").ToDictionary(),
            Place,
            log);
    }

    /// <summary>Whether q, k and v of the first layer all have an adapter.</summary>
    private bool HasAllSections(VerifiedFamily family) => family.Modules
        .Where(module => module.Parts is [{ Rows: VerifiedRows.Query or VerifiedRows.Key or VerifiedRows.Value }])
        .All(module => exported.Tensors.ContainsKey($"base_model.model.{module.Name.Replace("#", "0", StringComparison.Ordinal)}.lora_A.weight"));

    private static bool IsQuery(VerifiedModule module) => module.Parts is [{ Rows: VerifiedRows.Query }];
}
