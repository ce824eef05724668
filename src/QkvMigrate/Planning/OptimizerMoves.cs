using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;

namespace QkvMigrate.Planning;

/// <summary>
/// Moves an optimizer's moments with their parameters. PyTorch numbers the parameters of an optimizer in the order in
/// which it was given them and keeps no names, so that the mapping must be proven: as many parameters as the model has
/// tensors, and each with moments of its tensor's shape. What cannot be proven is refused, because moments that belong to
/// other rows load without an error.
/// </summary>
internal sealed class OptimizerMoves
{
    private readonly Lazy<ILookup<ElementKey, FusedTensor>> fused;
    private readonly Lazy<IReadOnlyList<ModelTensors>> models;
    private readonly RowPermutation permutation;
    private readonly Conversion conversion;

    /// <summary>Prepares for the optimizers of a checkpoint with <paramref name="models"/>.</summary>
    public OptimizerMoves(Lazy<IReadOnlyList<ModelTensors>> models, AttentionScan scan, Conversion conversion, RowPermutation permutation)
    {
        fused = new(() => scan.Fused.ToLookup(item => ElementKey.Of(item.Tensor)));
        this.conversion = conversion;
        this.permutation = permutation;
        this.models = models;
    }

    /// <summary>The moments of <paramref name="optimizer"/> that move.</summary>
    public IEnumerable<TensorMove> Moves(OptimizerEntry optimizer)
    {
        if (!optimizer.HasState)
        {
            return [];
        }

        var problems = new List<string>();
        foreach (var (scope, model) in models.Value)
        {
            if (Match(optimizer, model) is { } pairs)
            {
                return pairs.SelectMany(pair => Moves(pair.Parameter, pair.Tensor, optimizer));
            }

            problems.Add($"{model.Count} tensors{(scope.Path.Length > 0 ? $" in '{scope.Path}'" : "")}");
        }

        var tried = string.Join(" or ", problems);
        throw Refused(optimizer, $"its {optimizer.Parameters.Count} parameters cannot be matched by number and shape to the model's {tried}");
    }

    /// <summary>The names of parameters that follow their tensors.</summary>
    public IEnumerable<NameChange> Names(OptimizerEntry optimizer) =>
        optimizer.Parameters.SelectMany(parameter => parameter.Names)
            .Select(name => new NameChange(name, conversion.Renamed(name.Text)))
            .Where(change => change.NewName != change.Name.Text);

    /// <summary>The tensor of each parameter, or null where there is no proof of which it is.</summary>
    private static List<(OptimizerParameter Parameter, TensorEntry Tensor)>? Match(OptimizerEntry optimizer, IReadOnlyList<TensorEntry> model)
    {
        var byName = model.Named().ToLookup(named => WrapperNames.Removed(named.Name), named => named.Tensor);
        var pairs = new List<(OptimizerParameter, TensorEntry)>();
        for (var i = 0; i < optimizer.Parameters.Count; i++)
        {
            var parameter = optimizer.Parameters[i];
            var tensor = parameter.IsNumbered
                ? model.Count == optimizer.Parameters.Count ? model[i] : null
                : byName[WrapperNames.Removed(parameter.Id)].FirstOrDefault();
            if (tensor is null || parameter.State.Any(state => !Follows(state, tensor) && !IsCounter(state)))
            {
                return null;
            }

            pairs.Add((parameter, tensor));
        }

        return pairs;
    }

    private IEnumerable<TensorMove> Moves(OptimizerParameter parameter, TensorEntry tensor, OptimizerEntry optimizer)
    {
        if (fused.Value[ElementKey.Of(tensor)].FirstOrDefault() is not { Dimension: { } dimension, Rule: { } rule })
        {
            return [];
        }

        if (parameter.Unreadable.Concat(parameter.State.Select(state => state.Peculiarity)).FirstOrDefault(problem => problem is not null) is { } unreadable)
        {
            throw new MigrationException(
                FailureKind.Unreadable,
                $"what it keeps for the fused parameter {parameter.Id} is no plain tensor and cannot follow its rows ({unreadable}); "
                + "--drop-optimizer leaves the optimizer out",
                where: $"optimizer state '{optimizer.Path}'");
        }

        return rule.IsPacked
            ? throw Refused(optimizer, $"parameter {parameter.Id} is quantized, and moments of such a tensor are not known")
            : parameter.State.Where(state => Follows(state, tensor)).Select(state => Move(state, dimension));
    }

    private TensorMove Move(TensorEntry state, int dimension) =>
        new(state, null, dimension, StridedBlocks.Of(state, dimension, permutation)) { Follower = FollowerKind.Moment };

    private static bool Follows(TensorEntry state, TensorEntry tensor) => state.Shape.SequenceEqual(tensor.Shape);

    private static bool IsCounter(TensorEntry state) => state.ElementCount == 1;

    private static MigrationException Refused(OptimizerEntry optimizer, string problem) =>
        new(FailureKind.Unsupported, $"{problem}; --drop-optimizer leaves it out", where: $"optimizer state '{optimizer.Path}'");
}
