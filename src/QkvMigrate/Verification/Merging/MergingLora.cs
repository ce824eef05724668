using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Configuration;
using QkvMigrate.Files;

namespace QkvMigrate.Verification.Merging;

/// <summary>A LoRA that was merged into its base, by the verifier's own reading: its pairs, its scaling, the layout of its names.</summary>
internal sealed class MergingLora
{
    private const string Matrices = "lora_";
    private const string Weight = ".weight";
    private readonly MergeOptions options;
    private readonly LoraHyperparameters? said;

    private MergingLora(Checkpoint file, VerifiedLayout layout, MergeOptions options)
    {
        this.options = options;
        File = file;
        Layout = layout;
        Pairs = LoraPair.Of(file, layout);
        said = LoraHyperparameters.Find(FilePlace.DirectoryOf(file.Source.Path));
        var names = file.Tensors.Select(tensor => tensor.Name?.Text).OfType<string>().ToHashSet();
        HoldsBase = Pairs.Exists(pair => names.Contains(pair.Module + Weight) || names.Contains($"{pair.Module}.{MergedNames.Linear}{Weight}"));
        CheckPairs();
        Scaling = Alpha() / Pairs[0].Rank;
    }

    /// <summary>The file.</summary>
    public Checkpoint File { get; }

    /// <summary>Whose names it has: of which LitGPT's rules its delta is.</summary>
    public VerifiedLayout Layout { get; }

    /// <summary>Its pairs of matrices, at least one, all of one rank.</summary>
    public List<LoraPair> Pairs { get; }

    /// <summary>What the products are multiplied with: <c>lora_alpha / lora_r</c> (litgpt/lora.py, <c>LoRALinear.scaling</c>).</summary>
    public double Scaling { get; }

    /// <summary>Whether the weights that it belongs to are in the same file.</summary>
    public bool HoldsBase { get; }

    /// <summary>Reads what a file says of its LoRA.</summary>
    /// <exception cref="MigrationException">There is none, or what it adds to which weights is not known.</exception>
    public static MergingLora Of(Checkpoint file, MergeOptions options)
    {
        try
        {
            var layouts = VerifiedLayouts.All.Where(layout => LoraPair.Of(file, layout).Exists(pair => pair.IsFused)).ToList();
            return layouts.Count < 2
                ? new MergingLora(file, layouts.Count == 0 ? VerifiedLayouts.All[^1] : layouts[0], options)
                : throw new MigrationException(FailureKind.Conflict, "names of both layouts stand in one LoRA, so what it adds to which rows is not known");
        }
        catch (MigrationException error)
        {
            throw error.InFile(file.Source.Path);
        }
    }

    /// <summary>
    /// Which of q, k and v have LoRA, and whether row i of the delta was added to row i of the interleaved matrix, which LitGPT did
    /// before #900 and where all three had LoRA (litgpt/lora.py, <c>zero_pad</c>). Null where the fused attention has no LoRA.
    /// </summary>
    /// <exception cref="MigrationException">The shapes fit no choice, or several of which nothing tells which is meant.</exception>
    public (LoraChoice Choice, bool AddsByRow)? Fused(AttentionGeometry geometry)
    {
        if (Pairs.Find(pair => pair.IsFused) is not { } pair)
        {
            return null;
        }

        var choices = LoraChoice.Fitting(geometry, pair);
        var settled = choices.Count < 2 ? choices : [.. choices.Where(choice => said?.Agrees(choice.Sections) == true)];
        var addsByRow = Layout == VerifiedLayouts.Interleaved && (options.IsBefore900 || pair.BlockCount == LoraSections.All.Count);
        return settled.Count == 1 ? (settled[0], addsByRow) : throw new MigrationException(
            FailureKind.Geometry,
            choices.Count == 0
                ? $"its {pair.B.Shape[0]} rows are not those of {pair.BlockCount} of q, k and v"
                : $"its shape fits several choices of q, k and v; lora_query, lora_key and lora_value in {LoraHyperparameters.FileName} beside the file settle it",
            File.Source.Path,
            $"tensor '{pair.B.Label}'");
    }

    /// <summary>The records of the zip that only the LoRA's matrices are in, by their names: a merge in one file leaves them out.</summary>
    /// <param name="rest">The file without the LoRA.</param>
    public IEnumerable<string> RecordsBeside(Checkpoint rest)
    {
        var kept = rest.Tensors.Select(tensor => tensor.Storage).Concat(rest.OpaqueStorages).Select(storage => storage.Offset).ToHashSet();
        var matrices = Pairs.SelectMany(pair => new[] { pair.A.Storage.Offset, pair.B.Storage.Offset }).Except(kept).ToHashSet();
        return rest is TorchZipCheckpoint { Directory.Entries: var entries } ? entries.Where(entry => matrices.Contains(entry.DataOffset)).Select(entry => entry.Name) : [];
    }

    private void CheckPairs()
    {
        var paired = Pairs.SelectMany(pair => new[] { pair.A, pair.B }).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var strange = File.Tensors.FirstOrDefault(tensor => !paired.Contains(tensor) && (!HoldsBase || IsMatrix(tensor)));
        if (Pairs.Count == 0 || strange is not null)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                Pairs.Count == 0 ? "there is no LoRA in it whose merge could be verified" : "it is no part of a pair of LoRA matrices, so what becomes of it in a merge is not known",
                where: strange is null ? null : $"tensor '{strange.Label}'");
        }

        var first = Pairs.Find(pair => pair.IsFused) ?? Pairs[0];
        foreach (var pair in Pairs)
        {
            var isAlike = pair.IsFused
                ? pair.BlockCount == first.BlockCount && pair.B.Shape[0] == first.B.Shape[0] && pair.BlockCount <= LoraSections.All.Count
                : pair.BlockCount == 1;
            if (pair.Rank != first.Rank || !isAlike)
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    "LitGPT has one rank and one choice of q, k and v for all layers, and this is of another",
                    where: $"tensor '{pair.B.Label}'");
            }
        }

        CheckRank(options.Rank, "--lora-r");
        CheckRank(said?.Rank, $"lora_r in {LoraHyperparameters.FileName}");
    }

    private void CheckRank(long? rank, string by)
    {
        if (rank is { } number && number != Pairs[0].Rank)
        {
            var problem = string.Create(CultureInfo.InvariantCulture, $"{by} is {number}, but lora_B has {Pairs[0].Rank} columns");
            throw new MigrationException(FailureKind.Conflict, problem, where: $"tensor '{Pairs[0].B.Label}'");
        }
    }

    private double Alpha() => options.Alpha ?? said?.Alpha ?? throw new MigrationException(
        FailureKind.Usage,
        $"lora_alpha is not known: no {LoraHyperparameters.FileName} beside the file says it; --lora-alpha settles it");

    private static bool IsMatrix(TensorEntry tensor) =>
        tensor.Name is { Text: var name } && name[(name.LastIndexOf('.') + 1)..].StartsWith(Matrices, StringComparison.Ordinal);
}
