using System.Globalization;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Lora;

/// <summary>The LoRA of a checkpoint that is to be merged, and how it is scaled.</summary>
internal sealed class LoraAdapter
{
    /// <summary>What LitGPT's fine-tuning puts behind the name of the model whose LoRA a file has (litgpt/finetune/lora.py).</summary>
    public const string Suffix = ".lora";

    /// <summary>
    /// The module within a LoRA layer that has the weight and the bias (litgpt/lora.py, <c>LoRALinear.linear</c>); a merge takes
    /// it out of their names.
    /// </summary>
    public const string Linear = "linear";

    private LoraAdapter(Checkpoint checkpoint, LayoutFamily layout, IReadOnlyList<LoraLayer> layers, double alpha)
    {
        Checkpoint = checkpoint;
        Layout = layout;
        Layers = layers;
        Alpha = alpha;
        var names = checkpoint.Tensors.Select(tensor => tensor.Name?.Text).ToHashSet();
        HoldsBase = layers.Any(layer => names.Contains(layer.Path + ".weight") || names.Contains($"{layer.Path}.{Linear}.weight"));
    }

    /// <summary>The file.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>What its names say: of which LitGPT's rules its delta is.</summary>
    public LayoutFamily Layout { get; }

    /// <summary>Its LoRA layers, at least one.</summary>
    public IReadOnlyList<LoraLayer> Layers { get; }

    /// <summary>All of their matrices.</summary>
    public IReadOnlyList<TensorEntry> Tensors => [.. Layers.SelectMany(layer => new[] { layer.A, layer.B })];

    /// <summary>Whether the weights that it belongs to are in the same file: a whole model that was saved before it was merged.</summary>
    public bool HoldsBase { get; }

    /// <summary>LitGPT's <c>lora_alpha</c>.</summary>
    public double Alpha { get; }

    /// <summary>LitGPT's <c>lora_r</c>.</summary>
    public long Rank => Layers[0].Rank;

    /// <summary>What the product of B and A is multiplied with (litgpt/lora.py, <c>LoRALinear.scaling</c>).</summary>
    public double Scaling => Alpha / Rank;

    /// <summary>Finds the LoRA in a file, and its scaling in <paramref name="options"/> or in <c>hyperparameters.yaml</c> beside the file.</summary>
    /// <param name="scan">The file's fused attention.</param>
    /// <param name="options">What the user says.</param>
    /// <exception cref="MigrationException">There is no LoRA, its alpha is not known, or its rank is said to be another.</exception>
    public static LoraAdapter Of(AttentionScan scan, LoraOptions options)
    {
        var (checkpoint, layout) = (scan.Checkpoint, scan.Layout);
        UnreadableAttention.Check(checkpoint, layout);
        var layers = LoraLayer.Find(checkpoint, layout.Module);
        if (layers.Count == 0)
        {
            throw NoLora(checkpoint.Source.Path);
        }

        var said = LoraHyperparameters.FindBeside(checkpoint.Source.Path);
        CheckRank(layers[0], options.Rank, "--lora-r");
        CheckRank(layers[0], said?.Rank, $"lora_r in {LoraHyperparameters.FileName}");
        var alpha = options.Alpha ?? said?.Alpha ?? throw NoAlpha(hasFile: said is not null);
        var adapter = new LoraAdapter(checkpoint, layout, layers, alpha);
        adapter.CheckCompany(options);
        return adapter;
    }

    private static MigrationException NoLora(string path)
    {
        var merged = $"LitGPT's fine-tuning leaves the merged model beside {Path.GetFileName(path)}{Suffix}, "
            + "so upgrading this file without --lora merge is enough";
        return new(FailureKind.Usage, $"there is no LoRA in it to merge{(File.Exists(path + Suffix) ? $": {merged}" : "")}");
    }

    private static MigrationException NoAlpha(bool hasFile)
    {
        var reason = hasFile ? $"{LoraHyperparameters.FileName} beside the file does not say it" : $"no {LoraHyperparameters.FileName} beside the file";
        return new(FailureKind.Usage, $"lora_alpha is not known: {reason}; --lora-alpha settles it");
    }

    /// <summary>Nothing that stands beside the LoRA may get lost, and nothing that the user names may be passed over.</summary>
    private void CheckCompany(LoraOptions options)
    {
        if (HoldsBase)
        {
            if (options.Base is not null)
            {
                throw new MigrationException(FailureKind.Usage, "the base of this LoRA is in the same file, and --lora-base names another");
            }
        }
        else if (Checkpoint.Tensors.Except(Tensors).FirstOrDefault() is { } other)
        {
            throw new MigrationException(FailureKind.Unsupported, "it is no part of the LoRA, and a merge would lose it", where: $"tensor '{other.Label}'");
        }
    }

    private static void CheckRank(LoraLayer layer, long? said, string by)
    {
        if (said is { } rank && rank != layer.Rank)
        {
            var problem = string.Create(CultureInfo.InvariantCulture, $"{by} is {rank}, but lora_B has {layer.Rank} columns");
            throw new MigrationException(FailureKind.Conflict, problem, where: $"tensor '{layer.B.Label}'");
        }
    }
}
