using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Lora;

/// <summary>Works out the weights of a base to which the delta of a LoRA is added, as LitGPT's merge_lora does (litgpt/scripts/merge_lora.py).</summary>
/// <param name="adapter">The LoRA.</param>
/// <param name="options">What the user says.</param>
/// <param name="updater">What computes; asked when the weights are written.</param>
internal sealed class LoraMerge(LoraAdapter adapter, LoraOptions options, Func<ILowRankUpdater> updater)
{
    private const string Option = "--lora merge";

    /// <summary>The LoRA.</summary>
    public LoraAdapter Adapter => adapter;

    private static readonly string[] DTypes = ["float64", "float32", "float16", "bfloat16"];

    /// <summary>The weights that change.</summary>
    /// <param name="scan">The base's fused attention.</param>
    /// <param name="geometry">The geometry.</param>
    /// <exception cref="MigrationException">The two do not fit together, or a weight cannot be changed where it is.</exception>
    public LoraPlan Plan(AttentionScan scan, AttentionGeometry geometry)
    {
        var model = scan.Checkpoint;
        CheckBase(model);
        var order = scan.Layout.PermutationTo(LayoutFamilies.Sequential, geometry).Runs;
        var delta = FusedDelta(geometry);
        var weights = model.Tensors.Named().ToLookup(named => WrapperNames.Removed(Merged(named.Name)), named => named.Tensor);
        var storages = new StorageUse(model);
        var tensors = new List<ComputedTensor>();
        foreach (var layer in adapter.Layers)
        {
            var weight = Weight(weights, layer);
            Check(model, storages, weight, layer);
            IReadOnlyList<RowRun> rows = layer.IsFused ? order : [new RowRun(0, (int)weight.Shape[0])];
            IReadOnlyList<LoraRun> runs = layer.IsFused ? delta : [new LoraRun(0, 0, weight.Shape[0], 0)];
            var merged = new MergedWeight(new LoraWeight(weight, layer), rows, runs, adapter.Scaling, updater);
            tensors.Add(new ComputedTensor(weight, weight.Shape, merged));
        }

        return new LoraPlan(tensors, Advice(model))
        {
            IsMerge = true,
            NewNames = adapter.HoldsBase
                ? model.Tensors.Named().Where(named => WithoutLinear(named.Name) != named.Name).ToDictionary(named => named.Tensor, named => Merged(named.Name))
                : [],
        };
    }

    /// <summary>The name that a tensor has in a merged model of the new layout.</summary>
    private string Merged(string name) =>
        Conversion.Upgrade.Renamed(adapter.HoldsBase ? WithoutLinear(name) : name);

    private static string WithoutLinear(string name) =>
        name.Split('.') is [.. var path, LoraAdapter.Linear, var last] && last is ("weight" or "bias") ? string.Join('.', [.. path, last]) : name;

    private IReadOnlyList<LoraRun> FusedDelta(AttentionGeometry geometry)
    {
        var fused = adapter.Layers.Where(layer => layer.IsFused).ToList();
        try
        {
            fused.ForEach(layer => _ = LoraShape.Candidates(layer, geometry));
            if (LoraShape.Of(adapter.Checkpoint, adapter.Layers, geometry, Option).Sections is not { } sections)
            {
                return [];
            }

            return adapter.Layout == LayoutFamilies.Interleaved && LoraPlan.AddsByRow(fused, options)
                ? [.. LoraRows.ByRow(LayoutFamilies.Interleaved.PermutationTo(LayoutFamilies.Sequential, geometry), sections, geometry)]
                : [.. LoraRows.BySection(sections, geometry)];
        }
        catch (MigrationException error)
        {
            throw error.InFile(adapter.Checkpoint.Source.Path);
        }
    }

    private void CheckBase(Checkpoint model)
    {
        if (adapter.HoldsBase && model.Optimizers.FirstOrDefault(optimizer => optimizer.HasState) is { } optimizer)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"{Option}: the moments of a LoRA cannot follow it into its base; --drop-optimizer leaves them out",
                where: $"optimizer state '{optimizer.Path}'");
        }

        if (!model.TakesReplacements)
        {
            throw new MigrationException(FailureKind.Unsupported, $"{Option}: no base of LitGPT is stored in a file of this format");
        }

        if (LoraLayer.Find(model, LayoutFamilies.Interleaved.Module) is [var layer, ..])
        {
            throw new MigrationException(FailureKind.Unsupported, "the base of a LoRA has LoRA itself", where: $"tensor '{layer.A.Label}'");
        }
    }

    private TensorEntry Weight(ILookup<string, TensorEntry> weights, LoraLayer layer)
    {
        var name = Merged(layer.Path + ".weight");
        return weights[WrapperNames.Removed(name)].ToList() switch
        {
            [var only] => only,
            [] => throw new MigrationException(
                FailureKind.Malformed,
                $"there is no weight {name}, or one of its old name, for lora_A '{layer.A.Label}' of {adapter.Checkpoint.Source.Path}"),
            [var one, var other, ..] => throw new MigrationException(
                FailureKind.Unsupported,
                $"this and '{other.Label}' are both the weight of lora_A '{layer.A.Label}'",
                where: $"tensor '{one.Label}'"),
        };
    }

    private void Check(Checkpoint model, StorageUse storages, TensorEntry weight, LoraLayer layer)
    {
        var (a, b) = (layer.A, layer.B);
        CheckDType(a, adapter.Checkpoint.Source.Path);
        CheckDType(weight, model.Source.Path);
        if (!LoraMatrix.IsReadable(a) || !LoraMatrix.IsReadable(b))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"shape ({string.Join(", ", a.Shape)}), and ({string.Join(", ", b.Shape)}) of its lora_B, are too large for a LoRA",
                adapter.Checkpoint.Source.Path,
                $"tensor '{a.Label}'");
        }

        var where = $"tensor '{weight.Label}'";
        if (weight.Shape is not [var rows and <= int.MaxValue, var columns]
            || columns != a.Shape[1]
            || (!layer.IsFused && rows != b.Shape[0])
            || columns * weight.DType.ItemSize > Array.MaxLength)
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"shape ({string.Join(", ", weight.Shape)}) does not fit its LoRA: "
                + $"lora_A ({string.Join(", ", a.Shape)}), lora_B ({string.Join(", ", b.Shape)})",
                where: where);
        }

        if (storages.IsShared(weight))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "its bytes are shared with another tensor, so that no delta can be added to it alone",
                where: where);
        }

        if ((rows > 1 && weight.Strides[0] != columns) || (columns > 1 && weight.Strides[1] != 1))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"strides ({string.Join(", ", weight.Strides)}) of shape ({rows}, {columns}): a delta is added only to rows that stand one behind the other",
                where: where);
        }
    }

    private static void CheckDType(TensorEntry tensor, string file)
    {
        if (!DTypes.Contains(tensor.DType.Name))
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"elements of {tensor.DType}, expected {string.Join(", ", DTypes)}",
                file,
                $"tensor '{tensor.Label}'");
        }
    }

    private IReadOnlyList<Advice> Advice(Checkpoint model)
    {
        var settings = string.Create(CultureInfo.InvariantCulture, $"lora_r {adapter.Rank}, lora_alpha {adapter.Alpha}");
        var file = adapter.HoldsBase ? "the same file" : model.Source.Path;
        return
        [
            new("lora-merged", $"the LoRA of {adapter.Checkpoint.Source.Path} ({settings}) is added to {adapter.Layers.Count} weights of {file}"),
        ];
    }
}
