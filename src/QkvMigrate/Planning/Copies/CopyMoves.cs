using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning.Copies;

/// <summary>
/// Moves copies of fused tensors that stand without a name: averages (torch_ema's <c>shadow_params</c>), master weights
/// (Apex's and Megatron's <c>fp32_from_fp16_params</c>), slow weights (Lookahead), <c>list(model.parameters())</c>. Which
/// tensors of such a sequence are fused, order and shapes must prove (<see cref="ModelShapes.Match"/>), or that they are
/// the model's own tensors once more. A tensor without a name that has the shape of a fused matrix, or of a fused vector
/// as often as the model has it, and is not proven is refused: left in the old order it would load without an error.
/// </summary>
internal sealed class CopyMoves
{
    /// <summary>More models of different shapes in one file than this are not told apart.</summary>
    private const int Models = 16;

    /// <summary>Parameters that copies are held against in all: a file has a few copies, and its parameters some hundreds.</summary>
    private const long Work = 1L << 27;

    private readonly Checkpoint checkpoint;
    private readonly RowPermutation permutation;
    private readonly List<ModelShapes> models;
    private readonly Dictionary<TensorView, FusedTensor> byView = [];
    private readonly Dictionary<string, FusedTensor?> byShape = [];
    private readonly HashSet<TensorView> others;
    private readonly SequenceMembers members;
    private readonly FlatBuffers flat;
    private readonly HashSet<TensorEntry> named;
    private readonly HashSet<ContainerEntry> moments;
    private readonly Dictionary<UnnamedSequence, Dictionary<TensorEntry, bool>?> proofs = [];
    private readonly Dictionary<(UnnamedSequence, string), int> counts = [];
    private long work;

    private CopyMoves(Checkpoint checkpoint, IReadOnlyList<(ContainerEntry Scope, List<TensorEntry> Tensors)> all, AttentionScan scan, RowPermutation permutation)
    {
        this.checkpoint = checkpoint;
        this.permutation = permutation;
        named = scan.Fused.Select(fused => fused.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        foreach (var fused in scan.Fused.Where(fused => fused is { Dimension: not null, Rule.IsPacked: false }))
        {
            byView.TryAdd(TensorView.Of(fused.Tensor), fused);
            var shape = TensorView.ShapeOf(fused.Tensor);
            byShape[shape] = byShape.GetValueOrDefault(shape, fused)?.Dimension == fused.Dimension ? fused : null;
        }

        var views = byView.Keys.ToHashSet();
        var tensors = all.SelectMany(model => model.Tensors).Where(tensor => tensor.Name is not { } name || !UnnamedTensors.IsNoName(name.Text));
        others = [.. tensors.Select(TensorView.Of).Where(view => !views.Contains(view))];
        models =
        [
            .. all.Select(model => new ModelShapes(model.Tensors.Where(tensor => tensor.Name is not { } name || !UnnamedTensors.IsNoName(name.Text)), views, checkpoint.Format != CheckpointFormat.Safetensors))
                .DistinctBy(model => model.Signature),
        ];
        members = new SequenceMembers(checkpoint);
        flat = new FlatBuffers(models, views.Select(view => view.Storage).ToHashSet(), others);
        moments = [.. checkpoint.Optimizers.SelectMany(optimizer => optimizer.Parameters).SelectMany(parameter => parameter.State).Select(state => state.Container)];
    }

    /// <summary>The moves of all copies; none where no row moves.</summary>
    /// <exception cref="MigrationException">What looks like a copy cannot be proven to be one.</exception>
    public static IReadOnlyList<TensorMove> Of(Checkpoint checkpoint, Lazy<IReadOnlyList<(ContainerEntry Scope, List<TensorEntry> Tensors)>> models, AttentionScan scan, RowPermutation permutation)
    {
        if (permutation.IsIdentity || !checkpoint.Tensors.Any(MayBeCopy))
        {
            return [];
        }

        var copies = new CopyMoves(checkpoint, models.Value, scan, permutation);
        return copies.byView.Count == 0 ? [] : copies.Moves();
    }

    /// <summary>What whoever uses the new file must know.</summary>
    public static IEnumerable<Advice> Advice(IReadOnlyList<TensorMove> moves)
    {
        var copies = moves.Where(move => move.Follower == FollowerKind.Copy).Select(move => move.Tensor).ToList();
        if (copies.Count > 0)
        {
            var places = copies.Select(tensor => UnnamedTensors.Around(tensor)[^1].Label).Distinct().ToList();
            yield return new Advice("copies-moved", $"{copies.Count} tensors without a name are copies of fused ones, as order and shapes prove, and move with them: in '{string.Join("', '", places.Take(5))}'{(places.Count > 5 ? ", ..." : "")}");
        }
    }

    private List<TensorMove> Moves()
    {
        var moves = new List<TensorMove>();
        var open = new List<TensorEntry>();
        foreach (var tensor in checkpoint.Tensors.Where(MayBeCopy).Where(tensor => !named.Contains(tensor) && !moments.Contains(tensor.Container)))
        {
            if (flat.IsOne(tensor))
            {
                throw new MigrationException(FailureKind.Unsupported, $"a flat buffer of {tensor.ElementCount} elements holds the parameters one behind the other, and nothing says where the fused ones stand in it; {Remedy(tensor, tensor.Container.Path)}", where: $"tensor '{tensor.Label}'");
            }

            if (!byShape.ContainsKey(TensorView.ShapeOf(tensor)) || UnnamedTensors.Around(tensor).Count == 0)
            {
                continue;
            }

            if (byView.TryGetValue(TensorView.Of(tensor), out var same))
            {
                moves.Add(Move(tensor, same));
            }
            else if (!others.Contains(TensorView.Of(tensor)))
            {
                open.Add(tensor);
            }
        }

        members.Prepare(open);
        moves.AddRange(open.Where(IsFused).Select(tensor => Move(tensor, byShape[TensorView.ShapeOf(tensor)] ?? throw Unproven(tensor))));
        return moves;
    }

    /// <summary>Whether a tensor has the elements of weights and is no parameter by its name. Few tensors of a checkpoint are.</summary>
    private static bool MayBeCopy(TensorEntry tensor) =>
        tensor.ElementCount > 1
        && tensor.DType.Name.Contains("float", StringComparison.Ordinal)
        && (tensor.Name is not { } name || UnnamedTensors.IsNumber(name.Text) || !name.Text.Contains('.', StringComparison.Ordinal));

    private TensorMove Move(TensorEntry tensor, FusedTensor owner) => tensor.Peculiarity is { } peculiarity
        ? throw new MigrationException(FailureKind.Unreadable, $"a copy of a fused tensor is no plain tensor and cannot follow its rows ({peculiarity}); {Remedy(tensor, UnnamedTensors.Around(tensor)[^1].Label)}", where: $"tensor '{tensor.Label}'")
        : new(tensor, null, owner.Dimension, StridedBlocks.Of(tensor, owner.Dimension!.Value, permutation)) { Follower = FollowerKind.Copy };

    private bool IsFused(TensorEntry tensor)
    {
        var around = UnnamedTensors.Around(tensor);
        foreach (var sequence in around)
        {
            if (!proofs.TryGetValue(sequence, out var proof))
            {
                proofs.Add(sequence, proof = Prove(members.Of(sequence), sequence.Container));
            }

            if (proof is not null && proof.TryGetValue(tensor, out var isFused))
            {
                return isFused;
            }
        }

        return tensor.Shape.Count > 1 || IsAsOftenAsFused(around[0], TensorView.ShapeOf(tensor)) ? throw Unproven(tensor) : false;
    }

    private bool IsAsOftenAsFused(UnnamedSequence sequence, string shape)
    {
        if (!counts.TryGetValue((sequence, shape), out var count))
        {
            counts.Add((sequence, shape), count = members.Of(sequence).Count(tensor => TensorView.ShapeOf(tensor) == shape));
        }

        return models.Exists(model => model.FusedCount(shape) is > 0 and var fused && count >= fused);
    }

    /// <summary>Which tensors of a sequence are fused: one parameter after the other, or one item of the container, with all in it, a parameter.</summary>
    private Dictionary<TensorEntry, bool>? Prove(List<TensorEntry> tensors, ContainerEntry container)
    {
        work += models.Sum(model => (long)model.Count);
        if (models.Count > Models || work > Work)
        {
            return null;
        }

        if (Match([.. tensors.Select(TensorView.ShapeOf)]) is { } each)
        {
            return Pair(tensors, each);
        }

        // Runs of tensors in the same item; a tensor of another shape than the first would be another parameter's.
        var items = new List<(ContainerEntry Item, string Shape)>();
        var numbers = new List<int>();
        foreach (var tensor in tensors)
        {
            var (item, shape) = (ItemOf(tensor, container), TensorView.ShapeOf(tensor));
            if (item is null || (items.Count > 0 && items[^1].Item == item && items[^1].Shape != shape))
            {
                return null;
            }

            if (items.Count == 0 || items[^1].Item != item)
            {
                items.Add((item, shape));
            }

            numbers.Add(items.Count - 1);
        }

        return Match(items.ConvertAll(item => item.Shape)) is { } found ? Pair(tensors, numbers.ConvertAll(number => found[number])) : null;
    }

    private bool[]? Match(List<string> shapes)
    {
        bool[]? found = null;
        foreach (var match in models.Select(model => model.Match(shapes)))
        {
            if (match is not null && found is not null && !match.SequenceEqual(found))
            {
                return null;
            }

            found = match ?? found;
        }

        return found;
    }

    private static Dictionary<TensorEntry, bool> Pair(List<TensorEntry> tensors, IReadOnlyList<bool> isFused)
    {
        var pairs = new Dictionary<TensorEntry, bool>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < tensors.Count; i++)
        {
            pairs.Add(tensors[i], isFused[i]);
        }

        return pairs;
    }

    private static ContainerEntry? ItemOf(TensorEntry tensor, ContainerEntry container) =>
        UnnamedTensors.Outwards(tensor.Container).FirstOrDefault(at => at.Parent == container);

    private MigrationException Unproven(TensorEntry tensor) => new(
        FailureKind.Unsupported,
        $"it has the shape ({string.Join(", ", tensor.Shape)}) of fused tensors and no name, and neither order nor shapes prove which parameter it is a copy of; {Remedy(tensor, UnnamedTensors.Around(tensor)[^1].Label)}",
        where: $"tensor '{tensor.Label}'");

    private string Remedy(TensorEntry tensor, string place) =>
        checkpoint.Optimizers.Any(optimizer => tensor.Label.StartsWith(optimizer.Path.Length > 0 ? $"{optimizer.Path}/" : "", StringComparison.Ordinal))
            ? "--drop-optimizer leaves the optimizer out"
            : $"save the file without {(place.Length > 0 ? $"'{place}'" : "it")}, or with the parameters' names as keys";
}
