using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>
/// Moves what an optimizer keeps for fused parameters with their rows. Which parameter is which is found by
/// <see cref="ParameterOwners"/>, which of its tensors follow the rows by <see cref="StateFollowers"/>. What cannot be proven is
/// refused, because moments that belong to other rows load without an error.
/// </summary>
internal sealed class OptimizerMoves
{
    private readonly ParameterOwners owners;
    private readonly Conversion conversion;
    private readonly RowPermutation permutation;

    /// <summary>Prepares for the optimizers of a checkpoint with <paramref name="models"/>.</summary>
    public OptimizerMoves(Lazy<IReadOnlyList<ModelTensors>> models, AttentionScan scan, Conversion conversion, RowPermutation permutation, OptimizerOrder order)
    {
        owners = new ParameterOwners(models, scan, conversion, order);
        this.conversion = conversion;
        this.permutation = permutation;
    }

    /// <summary>What <paramref name="optimizer"/> keeps and has to move.</summary>
    public IEnumerable<TensorMove> Moves(OptimizerEntry optimizer) =>
        optimizer.HasState ? owners.Of(optimizer).SelectMany(pair => Moves(pair.Parameter, pair.Fused, optimizer)) : [];

    /// <summary>The names of parameters that follow their tensors.</summary>
    /// <exception cref="MigrationException">Two parameters would have one name.</exception>
    public IEnumerable<NameChange> Names(OptimizerEntry optimizer)
    {
        var named = optimizer.Parameters.SelectMany(parameter => parameter.Names)
            .Concat(optimizer.Parameters.Select(parameter => parameter.Given).OfType<NameEntry>());
        var texts = named.Select(name => name.Text).ToHashSet();
        foreach (var name in named)
        {
            var renamed = conversion.Renamed(name.Text);
            if (renamed == name.Text)
            {
                continue;
            }

            yield return texts.Contains(renamed)
                ? throw new MigrationException(
                    FailureKind.Conflict,
                    $"the new name '{renamed}' of parameter '{name.Text}' is already there; --drop-optimizer leaves the optimizer out",
                    where: $"optimizer state '{optimizer.Path}'")
                : new NameChange(name, renamed);
        }
    }

    private IEnumerable<TensorMove> Moves(OptimizerParameter parameter, FusedTensor fused, OptimizerEntry optimizer)
    {
        if (fused is not { Dimension: { } dimension, Rule: { } rule } || !parameter.HasState)
        {
            return [];
        }

        var name = parameter.Name ?? parameter.Id;
        if (parameter.Unreadable.Concat(parameter.State.Select(state => state.Peculiarity)).FirstOrDefault(problem => problem is not null) is { } unreadable)
        {
            throw new MigrationException(
                FailureKind.Unreadable,
                $"what it keeps for the fused parameter {name} is no plain tensor and cannot follow its rows ({unreadable}); "
                + "--drop-optimizer leaves the optimizer out",
                where: $"optimizer state '{optimizer.Path}'");
        }

        if (rule.IsPacked)
        {
            throw ParameterOwners.Refused(optimizer, $"parameter {name} is quantized, and moments of such a tensor are not known");
        }

        var followers = new StateFollowers(fused.Tensor.Shape, dimension);
        return followers.Problem(parameter.State) is { } problem
            ? throw ParameterOwners.Refused(optimizer, $"of the fused parameter {name} it keeps {problem}")
            : parameter.State
                .Select(state => (State: state, Dimension: followers.DimensionOf(state)))
                .Where(follower => follower.Dimension is not null)
                .Select(follower => Move(follower.State, follower.Dimension!.Value));
    }

    private TensorMove Move(TensorEntry state, int dimension) =>
        new(state, null, dimension, StridedBlocks.Of(state, dimension, permutation)) { Follower = FollowerKind.Moment };
}
