using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Moves copies of fused tensors that stand without a name: averages (torch_ema's <c>shadow_params</c>), master weights
/// (Apex's and Megatron's <c>fp32_from_fp16_params</c>), slow weights (Lookahead), <c>list(model.parameters())</c>. A tensor
/// of such a sequence moves where it is one of the model's fused tensors once more, or where order and shapes prove that it
/// is a copy of one (<see cref="CopyProofs"/>), and it lies in its storage as a copy does. What looks at bytes of a parameter in
/// another way than that is no copy. It is refused where neither holds and it has the shape of a fused matrix, or of a fused
/// vector as often as the model has it: left in the old order it would load without an error.
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
    private readonly HashSet<TensorEntry> named;
    private readonly HashSet<ContainerEntry> moments;

    /// <summary>
    /// Whether a tensor under a word (<c>first_attention</c>) stays as it is: an upgrade gives one that looks into a fused tensor's
    /// storage the old rows for itself, and the way back finds these. What has a storage of its own before an upgrade is refused.
    /// </summary>
    private readonly bool leavesWords;
    private readonly List<TensorEntry> left = [];

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
        others = [.. all.SelectMany(model => model.Tensors).Where(HasName).Select(ElementKey.Of).Where(view => !views.Contains(view))];
        parameters = all.SelectMany(model => model.Tensors).Where(tensor => HasName(tensor) && tensor.ElementCount > 0).ToLookup(tensor => tensor.Storage);
        List<ModelShapes> models =
        [
            .. all.Select(model => new ModelShapes(model.Tensors.Where(HasName), views, checkpoint.KeepsModelOrder))
                .DistinctBy(model => model.Signature),
        ];
        members = new SequenceMembers(checkpoint);
        proofs = new CopyProofs(models, members);
        var moving = scan.Fused.Select(fused => fused.Tensor).Where(tensor => views.Contains(ElementKey.Of(tensor))).DistinctBy(ElementKey.Of);
        var staying = all.SelectMany(model => model.Tensors).Where(tensor => HasName(tensor) && !views.Contains(ElementKey.Of(tensor)));
        sizes = new FusedSizes(moving.Select(tensor => tensor.Shape), staying.Select(ElementKey.ShapeOf).ToHashSet());
        flat = new FlatBuffers(models, views.Select(view => view.Storage).ToHashSet(), others);
        moments = [.. checkpoint.Optimizers.SelectMany(optimizer => optimizer.StateContainers)];
    }

    /// <summary>The moves of all copies; none where no row moves. And what has the shape of a copy and stays: see <see cref="leavesWords"/>.</summary>
    /// <exception cref="MigrationException">What looks like a copy cannot be proven to be one.</exception>
    public static (IReadOnlyList<TensorMove> Moves, IReadOnlyList<TensorEntry> Left) Of(
        Lazy<IReadOnlyList<ModelTensors>> models, AttentionScan scan, Conversion conversion, RowPermutation permutation)
    {
        if (permutation.IsIdentity || !(scan.Checkpoint.Tensors.Any(MayBeCopy) || scan.Checkpoint.OtherValues.Any(value => value.Sizes is not null)))
        {
            return ([], []);
        }

        var copies = new CopyMoves(models.Value, scan, permutation, leavesWords: !conversion.IsUpgrade);
        return copies.byView.Count == 0 ? ([], []) : (copies.Moves(), copies.left);
    }

    private List<TensorMove> Moves()
    {
        var moves = new List<TensorMove>();
        var open = new List<TensorEntry>();
        foreach (var tensor in checkpoint.Tensors.Where(MayBeCopy).Where(tensor => !named.Contains(tensor) && !moments.Contains(tensor.Container)))
        {
            if (flat.IsOne(tensor))
            {
                throw refusals.Flat(tensor);
            }

            if (!byShape.ContainsKey(ElementKey.ShapeOf(tensor)))
            {
                var isNamedByPlace = tensor.Name is null && ParameterWords.IsNamed(tensor.Label);
                if (sizes.FormOf(tensor.Shape) is { } form && !isNamedByPlace && !IsOfModel(tensor) && !ParameterWords.IsModulesOwn(tensor))
                {
                    throw refusals.InAnotherForm(tensor, form);
                }

                continue;
            }

            if (UnnamedTensors.Around(tensor).Count == 0)
            {
                // A word without dots is a role (best_attn) and does not say whether it is fused; within a module it is a name.
                if (!ParameterWords.IsModulesOwn(tensor) && !byView.ContainsKey(ElementKey.Of(tensor)) && !others.Contains(ElementKey.Of(tensor)))
                {
                    left.Add(leavesWords ? tensor : throw refusals.Unproven(tensor));
                }

                continue;
            }

            if (byView.TryGetValue(ElementKey.Of(tensor), out var dimension))
            {
                moves.Add(Move(tensor, dimension));
            }
            else if (!IsOfModel(tensor))
            {
                open.Add(tensor);
            }
        }

        if (checkpoint.OtherValues.FirstOrDefault(MayHoldFused) is { } value)
        {
            throw CopyRefusals.Unmovable(value);
        }

        members.Prepare(open);
        var looks = new Lazy<Dictionary<StorageEntry, int>>(() => checkpoint.Tensors.CountBy(tensor => tensor.Storage).ToDictionary());
        foreach (var tensor in open)
        {
            if (proofs.IsFused(tensor) ?? throw refusals.Unproven(tensor))
            {
                if (!strides.CanBe(tensor))
                {
                    throw refusals.OfSomethingElse(tensor, $"strides ({string.Join(", ", tensor.Strides)}) that no copy of one has");
                }

                // Copies in a flat buffer have others beside them.
                if (tensor.Extent < tensor.Storage.Length && looks.Value[tensor.Storage] == 1)
                {
                    throw refusals.OfSomethingElse(tensor, $"{tensor.Extent} of the {tensor.Storage.Length} bytes of a storage that no other tensor looks into");
                }

                moves.Add(Move(tensor, byShape[ElementKey.ShapeOf(tensor)] ?? throw refusals.Unproven(tensor)));
            }
        }

        return moves;
    }

    /// <summary>Whether a tensor has the elements of weights and is no parameter by its name. Few tensors of a checkpoint are.</summary>
    private static bool MayBeCopy(TensorEntry tensor) =>
        tensor.ElementCount > 1
        && tensor.DType.Name.Contains("float", StringComparison.Ordinal)
        && (tensor.Name is not { Text: var name } || UnnamedTensors.IsNumber(name) || UnnamedTensors.IsEnd(name) || !name.Contains('.', StringComparison.Ordinal));

    /// <summary>Whether a value that is no tensor has sizes that fused tensors, or what can be made of them, would have.</summary>
    private bool MayHoldFused(OtherValue value) =>
        value.Sizes is { } own
        && !ParameterWords.IsNamed(value.Label)
        && (byShape.ContainsKey(string.Join(',', own)) || sizes.FormOf(own) is not null);

    /// <summary>Whether a tensor of a model is one of its parameters: a key that is a number, or no text, says nothing of which.</summary>
    private static bool HasName(TensorEntry tensor) => tensor.Name is { } name ? !UnnamedTensors.IsNoName(name.Text) : tensor.Container.Texts.Count > 0;

    private TensorMove Move(TensorEntry tensor, int dimension) => tensor.Peculiarity is { } peculiarity
        ? throw refusals.Peculiar(tensor, peculiarity)
        : new(tensor, null, dimension, StridedBlocks.Of(tensor, dimension, permutation)) { Follower = FollowerKind.Copy };

    /// <summary>Whether a tensor is a parameter of the model, or looks at bytes of one.</summary>
    private bool IsOfModel(TensorEntry tensor) =>
        ElementKey.Of(tensor) is var view
        && (others.Contains(view) || byView.ContainsKey(view) || parameters[tensor.Storage].Any(parameter => shared.Any(tensor, parameter)));
}
