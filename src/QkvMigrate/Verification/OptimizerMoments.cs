using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds what an optimizer keeps for fused tensors and what of that follows their rows. A parameter's name says which tensor it is:
/// its key in the state, or what <c>param_names</c> has for its number (torch/optim/optimizer.py, from 2.6 on). Numbers alone go through
/// the groups; they say it where they can be the model's order, with tied tensors counted once (torch/nn/modules/module.py,
/// <c>parameters</c>), and where no other order of the groups would make another parameter the fused one.
/// </summary>
internal sealed class OptimizerMoments
{
    private readonly Checkpoint file;
    private readonly List<FusedEntry> fused;
    private readonly VerifiedChange change;
    private readonly bool isModelOrder;
    private readonly Lazy<List<List<TensorEntry>>> models;
    private readonly Lazy<NamedParameters> names;
    private readonly Dictionary<TensorEntry, FusedEntry> owners = new(ReferenceEqualityComparer.Instance);

    /// <summary>Prepares for the optimizers of a file.</summary>
    /// <param name="file">The first file.</param>
    /// <param name="fused">Its fused tensors.</param>
    /// <param name="change">What was made of them.</param>
    /// <param name="fusedModels">Its models that have some.</param>
    /// <param name="isModelOrder">Whether the user says that numbers go through the model.</param>
    public OptimizerMoments(Checkpoint file, List<FusedEntry> fused, VerifiedChange change, Lazy<List<List<TensorEntry>>> fusedModels, bool isModelOrder)
    {
        this.file = file;
        this.fused = fused;
        this.change = change;
        this.isModelOrder = isModelOrder;
        fused.ForEach(item => owners.TryAdd(item.Tensor, item));
        models = new(() => [.. fusedModels.Value, .. VerifiedModels.Beside(file, fusedModels.Value)]);
        names = new(() => new NamedParameters(file, fused));
    }

    /// <summary>What moves, each with a fused tensor whose rows stand as its own do; its axis is that of the moment.</summary>
    /// <returns>Null where it cannot be told which parameter is which tensor, or what a change of rows makes of what is kept for it.</returns>
    public List<(TensorEntry Moment, FusedEntry Owner)>? Find(OptimizerEntry optimizer)
    {
        var kept = optimizer.Parameters.Where(parameter => parameter.State.Count + parameter.Unreadable.Count > 0).ToList();
        if (kept.Count == 0)
        {
            return [];
        }

        if (optimizer.NameProblem is not null || Owners(optimizer, kept) is not { } found)
        {
            return null;
        }

        var moments = new List<(TensorEntry, FusedEntry)>();
        foreach (var (parameter, owner) in found)
        {
            if (owner is not { Axis: { } axis })
            {
                continue;
            }

            var isReadable = parameter.Unreadable.Count == 0 && parameter.State.All(state => state.Peculiarity is null) && !axis.IsPacked;
            var roles = parameter.State.Select(state => (State: state, Role: KeptTensors.Of(state, owner.Tensor.Shape, axis.Dimension))).ToList();
            if (parameter.State.Count + parameter.Unreadable.Count > 0 && (!isReadable || roles.Exists(item => item.Role == KeptTensor.Unknown)))
            {
                return null;
            }

            moments.AddRange(from item in roles
                             where item.Role is KeptTensor.Element or KeptTensor.Row
                             let dimension = item.State.Shape.Count < owner.Tensor.Shape.Count ? 0 : axis.Dimension
                             select (item.State, owner with { Axis = axis with { Dimension = dimension } }));
        }

        return moments;
    }

    private List<(OptimizerParameter, FusedEntry?)>? Owners(OptimizerEntry optimizer, List<OptimizerParameter> kept)
    {
        var named = kept.Count(parameter => NameOf(parameter) is not null);
        if (named == 0)
        {
            return ByNumber(optimizer) ?? Foreign(kept);
        }

        if (named < kept.Count || kept.Exists(parameter => names.Value.IsStrange(NameOf(parameter)!, change)))
        {
            return null;
        }

        return names.Value.Find(kept.ConvertAll(parameter => (NameOf(parameter)!, parameter.State))) is { } tensors
            ? [.. kept.Zip(tensors).Select(pair => (pair.First, owners.GetValueOrDefault(pair.Second)))]
            : Foreign(kept);
    }

    private List<(OptimizerParameter, FusedEntry?)>? ByNumber(OptimizerEntry optimizer)
    {
        var answers = models.Value.FindAll(model => IsOf(optimizer, model));
        if (answers.Count == 0)
        {
            return null;
        }

        var axes = answers.ConvertAll(model => model.ConvertAll(tensor => owners.GetValueOrDefault(tensor)?.Axis));
        var isAgreed = axes.TrueForAll(answer => answer.SequenceEqual(axes[0])) && (isModelOrder || !HasChoice(optimizer, answers[0]));
        return isAgreed ? [.. optimizer.Parameters.Zip(answers[0]).Select(pair => (pair.First, owners.GetValueOrDefault(pair.Second)))] : null;
    }

    /// <summary>Whether an optimizer's parameters can be those of a model, one by one.</summary>
    public static bool IsOf(OptimizerEntry optimizer, List<TensorEntry> model)
    {
        if (optimizer.Parameters.Count != model.Count)
        {
            return false;
        }

        return optimizer.Parameters.Zip(model).All(pair => pair.First.State.All(state => KeptTensors.CanBeOf(state, pair.Second.Shape)));
    }

    /// <summary>Whether parameters of one shape, fused ones and others, are spread over several groups: their order is then the groups'.</summary>
    private bool HasChoice(OptimizerEntry optimizer, List<TensorEntry> model)
    {
        var places = from pair in optimizer.Parameters.Zip(model, (parameter, tensor) => (parameter.Group, Tensor: tensor))
                     where pair.Tensor.ElementCount > 1
                     let isFused = owners.GetValueOrDefault(pair.Tensor)?.Axis is not null
                     group (pair.Group, IsFused: isFused) by ParameterOrder.ShapeOf(pair.Tensor);
        return places.Any(shape =>
            shape.Select(place => place.Group).Distinct().Skip(1).Any() && shape.Select(place => place.IsFused).Distinct().Skip(1).Any());
    }

    /// <summary>No owners, where nothing that is kept can be a fused tensor's, by its sizes; null where it can.</summary>
    private List<(OptimizerParameter, FusedEntry?)>? Foreign(List<OptimizerParameter> kept)
    {
        var sizes = fused.Where(item => item.Axis is not null).Select(item => item.Tensor.Shape).DistinctBy(shape => string.Join('x', shape)).ToList();
        var isForeign = kept.TrueForAll(parameter =>
            parameter.Unreadable.Count == 0
            && parameter.State.Where(state => state.ElementCount != 1).ToList() is { Count: > 0 } tensors
            && tensors.TrueForAll(state => !sizes.Exists(shape => KeptTensors.CanBeOf(state, shape))));
        return isForeign ? [] : null;
    }

    private static string? NameOf(OptimizerParameter parameter) => parameter.IsNumbered ? parameter.Given?.Text : parameter.Id;
}
