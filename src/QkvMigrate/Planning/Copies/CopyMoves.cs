using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Moves copies of fused tensors that stand without a name: averages (torch_ema's <c>shadow_params</c>), master weights
/// (Apex's and Megatron's <c>fp32_from_fp16_params</c>), slow weights (Lookahead), <c>list(model.parameters())</c>, masks of all
/// parameters. A tensor of such a sequence moves where it is one of the model's fused tensors once more, or where order and shapes
/// prove that it is a copy of one (<see cref="CopyProofs"/>), and it lies in its storage as a copy does. What looks at bytes of a
/// parameter in another way than that is no copy. Where neither holds, what may be a weight is refused if it has the shape of a fused
/// matrix, or of a fused vector as often as the model has it: left in the old order it would load without an error. What is no
/// weight, as far as the file says, stays and is told of.
/// </summary>
internal sealed class CopyMoves
{
    private readonly Checkpoint checkpoint;
    private readonly CopyRefusals refusals;
    private readonly RowPermutation permutation;

    /// <summary>The dimension of the rows of each fused tensor, by the elements that it views.</summary>
    private readonly Dictionary<ElementKey, int> byView = [];

    /// <summary>The same by shape; null where fused tensors of one shape have their rows along different dimensions.</summary>
    private readonly Dictionary<string, int?> byShape = [];

    private readonly CopyStrides strides;
    private readonly HashSet<ElementKey> others;
    private readonly ILookup<StorageEntry, TensorEntry> parameters;
    private readonly SharedBytes shared = new();
    private readonly SequenceMembers members;
    private readonly CopyProofs proofs;
    private readonly FlatBuffers flat;
    private readonly FusedSizes sizes;
    private readonly StrangeNames strange;
    private readonly OtherCopies values;
    private readonly Lazy<Dictionary<StorageEntry, int>> looks;
    private readonly HashSet<TensorEntry> named;

    /// <summary>
    /// Whether a tensor under a word (<c>first_attention</c>) stays as it is: an upgrade gives one that looks into a fused tensor's
    /// storage the old rows for itself, and the way back finds these. What has a storage of its own before an upgrade is refused.
    /// </summary>
    private readonly bool leavesWords;
    private readonly List<TensorEntry> words = [];
    private readonly List<string> told = [];
    private readonly List<TensorMove> moves = [];

    private CopyMoves(IReadOnlyList<ModelTensors> all, AttentionScan scan, RowPermutation permutation, bool leavesWords)
    {
        this.leavesWords = leavesWords;
        checkpoint = scan.Checkpoint;
        refusals = new CopyRefusals(checkpoint);
        this.permutation = permutation;
        named = scan.Fused.Select(fused => fused.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        foreach (var fused in scan.Fused)
        {
            if (fused is { Dimension: { } dimension, Rule.IsPacked: false })
            {
                byView.TryAdd(ElementKey.Of(fused.Tensor), dimension);
                var shape = ElementKey.ShapeOf(fused.Tensor);
                byShape[shape] = byShape.GetValueOrDefault(shape, dimension) == dimension ? dimension : null;
            }
        }

        var views = byView.Keys.ToHashSet();
        strides = new CopyStrides(scan.Fused.Select(fused => fused.Tensor));
        var staying = all.SelectMany(model => model.Tensors).Where(tensor => HasName(tensor) && !views.Contains(ElementKey.Of(tensor))).ToList();
        others = [.. staying.Select(ElementKey.Of)];
        parameters = all.SelectMany(model => model.Tensors).Where(tensor => HasName(tensor) && tensor.ElementCount > 0).ToLookup(tensor => tensor.Storage);
        List<ModelShapes> models =
        [
            .. all.Select(model => new ModelShapes(model.Tensors.Where(HasName), views, checkpoint.KeepsModelOrder))
                .DistinctBy(model => model.Signature),
        ];
        members = new SequenceMembers(checkpoint);
        proofs = new CopyProofs(models, members);
        var moving = scan.Fused.Select(fused => fused.Tensor).Where(tensor => views.Contains(ElementKey.Of(tensor))).DistinctBy(ElementKey.Of).ToList();
        sizes = new FusedSizes(moving.Select(tensor => tensor.Shape), staying.Select(ElementKey.ShapeOf).ToHashSet());
        flat = new FlatBuffers(models, views.Select(view => view.Storage).ToHashSet(), others);
        strange = new StrangeNames(all, staying);
        var counts = moving.Select(tensor => (Int128)tensor.ElementCount).Concat(models.Select(model => model.Elements));
        values = new OtherCopies(byShape.Keys, sizes, strange, counts.ToHashSet());
        looks = new(() => checkpoint.Tensors.CountBy(tensor => tensor.Storage).ToDictionary());
    }

    /// <summary>What becomes of all copies; nothing where no row moves.</summary>
    /// <exception cref="MigrationException">What looks like a copy cannot be proven to be one.</exception>
    public static FoundCopies Of(Lazy<IReadOnlyList<ModelTensors>> models, AttentionScan scan, Conversion conversion, RowPermutation permutation)
    {
        if (permutation.IsIdentity)
        {
            return FoundCopies.None;
        }

        var homes = scan.Fused.Select(fused => fused.Tensor.Container).ToHashSet();
        HashSet<ContainerEntry> moments = [.. scan.Checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers)];
        var open = scan.Checkpoint.Tensors.Where(tensor => IsOpen(tensor) && !moments.Contains(tensor.Container)).ToList();
        if (open.Count == 0 && !scan.Checkpoint.OtherValues.Any(value => value.HasSize))
        {
            return FoundCopies.None;
        }

        var copies = new CopyMoves(models.Value, scan, permutation, leavesWords: !conversion.IsUpgrade);
        return copies.byView.Count == 0 ? FoundCopies.None : copies.Find(open);

        // Nearly all tensors of a checkpoint have names of LitGPT's.
        bool IsOpen(TensorEntry tensor) => tensor.ElementCount > 1
            && !(tensor.Name is { Text: var name } && homes.Contains(tensor.Container) && !UnnamedTensors.IsUnnamed(tensor) && StrangeNames.HasKnownEnd(name));
    }

    private FoundCopies Find(List<TensorEntry> open)
    {
        var unproven = open.Where(tensor => !named.Contains(tensor) && IsInQuestion(tensor)).ToList();
        values.Check(checkpoint.OtherValues);
        members.Prepare(unproven);
        unproven.ForEach(Prove);
        return new FoundCopies(moves, words, [.. told, .. values.Told]);
    }

    /// <summary>Whether order and shapes must say what a tensor is; all others are moved, left, told of or refused here.</summary>
    private bool IsInQuestion(TensorEntry tensor)
    {
        var isOfFusedShape = byShape.ContainsKey(ElementKey.ShapeOf(tensor));
        if (!UnnamedTensors.IsUnnamed(tensor))
        {
            if (isOfFusedShape && strange.IsOne(tensor) && !LooksAtAnother(tensor))
            {
                Tell(tensor);
            }

            return false;
        }

        var isWeight = UnnamedTensors.IsWeight(tensor);
        if (isWeight && flat.IsOne(tensor))
        {
            throw refusals.Flat(tensor);
        }

        if (!isOfFusedShape)
        {
            LookAtForm(tensor, isWeight);
            return false;
        }

        if (UnnamedTensors.Around(tensor).Count == 0)
        {
            LookAtWord(tensor, isWeight);
            return false;
        }

        if (byView.TryGetValue(ElementKey.Of(tensor), out var dimension))
        {
            moves.Add(Move(tensor, dimension));
            return false;
        }

        // A list under the name of another parameter is that one's.
        return !IsOfModel(tensor) && !(tensor.Name is null && tensor.Container.Key is { } key && strange.IsKnown(key.Text));
    }

    /// <summary>What has no name and can by its sizes be made of fused tensors.</summary>
    private void LookAtForm(TensorEntry tensor, bool isWeight)
    {
        var isNamedByPlace = tensor.Name is null && ParameterWords.IsNamed(tensor.Label);
        if (!isNamedByPlace && sizes.FormOf(tensor.Shape) is { } form && !IsOfModel(tensor) && !ParameterWords.IsModulesOwn(tensor))
        {
            if (isWeight)
            {
                throw refusals.InAnotherForm(tensor, form);
            }

            Tell(tensor);
        }
    }

    /// <summary>A word without dots is a role (best_attn) and does not say whether it is fused; within a module it is a name.</summary>
    private void LookAtWord(TensorEntry tensor, bool isWeight)
    {
        if (byView.ContainsKey(ElementKey.Of(tensor)) || others.Contains(ElementKey.Of(tensor)))
        {
            return;
        }

        if (!isWeight || ParameterWords.IsModulesOwn(tensor))
        {
            Tell(tensor);
        }
        else
        {
            words.Add(leavesWords ? tensor : throw refusals.Unproven(tensor));
        }
    }

    private void Prove(TensorEntry tensor)
    {
        var isWeight = UnnamedTensors.IsWeight(tensor);
        var isFused = proofs.IsFused(tensor);
        var problem = isFused is null ? refusals.Unproven(tensor)
            : !isFused.Value ? null
            : !strides.CanBe(tensor) ? refusals.OfSomethingElse(tensor, $"strides ({string.Join(", ", tensor.Strides)}) that no copy of one has")
            : IsRestOfStorage(tensor) ? refusals.OfSomethingElse(
                tensor, $"{tensor.Extent} of the {tensor.Storage.Length} bytes of a storage that no other tensor looks into")
            : byShape[ElementKey.ShapeOf(tensor)] is null ? refusals.Unproven(tensor)
            : null;
        if (problem is null)
        {
            if (isFused is true)
            {
                moves.Add(Move(tensor, byShape[ElementKey.ShapeOf(tensor)]!.Value));
            }
        }
        else if (isWeight && (isFused is true || tensor.Shape.Count > 1 || proofs.IsAsOftenAsFused(tensor)))
        {
            throw problem;
        }
        else
        {
            Tell(tensor);
        }
    }

    private void Tell(TensorEntry tensor) => told.Add($"'{tensor.Label}' ({tensor.DType} of shape ({string.Join(", ", tensor.Shape)}))");

    /// <summary>Copies in a flat buffer have others beside them.</summary>
    private bool IsRestOfStorage(TensorEntry tensor) => tensor.Extent < tensor.Storage.Length && looks.Value[tensor.Storage] == 1;

    /// <summary>Whether a tensor of a model is one of its parameters: a key that is a number, or no text, says nothing of which.</summary>
    private static bool HasName(TensorEntry tensor) => tensor.Name is { } name ? !UnnamedTensors.IsNoName(name.Text) : tensor.Container.Texts.Count > 0;

    private TensorMove Move(TensorEntry tensor, int dimension) => tensor.Peculiarity is { } peculiarity
        ? throw refusals.Peculiar(tensor, peculiarity)
        : new(tensor, null, dimension, StridedBlocks.Of(tensor, dimension, permutation)) { Follower = FollowerKind.Copy };

    /// <summary>Whether a tensor is a parameter of the model, or looks at bytes of one.</summary>
    private bool IsOfModel(TensorEntry tensor) =>
        ElementKey.Of(tensor) is var view && (others.Contains(view) || byView.ContainsKey(view) || LooksAtAnother(tensor));

    /// <summary>Whether a tensor looks at bytes of a parameter that is not itself.</summary>
    private bool LooksAtAnother(TensorEntry tensor) =>
        parameters[tensor.Storage].Any(parameter => !ReferenceEquals(parameter, tensor) && shared.Any(tensor, parameter));
}
