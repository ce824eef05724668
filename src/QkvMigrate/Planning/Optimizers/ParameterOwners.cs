using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Copies;

namespace QkvMigrate.Planning.Optimizers;

/// <summary>
/// Finds the fused tensor of each parameter of an optimizer. Names decide where the file has them. Otherwise PyTorch numbers
/// the parameters in the order in which the optimizer was given them: that is the model's where there are as many as the model has
/// tensors and what is kept for each fits its tensor's shape. Numbers go through one group after the other, so that several
/// groups can be in another order than the model; where a fused parameter could then be exchanged with another one, nothing is proven.
/// </summary>
internal sealed class ParameterOwners
{
    private readonly Lazy<IReadOnlyList<ModelTensors>> models;
    private readonly Lazy<ParameterNames> names;
    private readonly Dictionary<TensorEntry, FusedTensor> fused;
    private readonly Conversion conversion;
    private readonly OptimizerOrder order;

    /// <summary>Prepares for the optimizers of a checkpoint.</summary>
    public ParameterOwners(Lazy<IReadOnlyList<ModelTensors>> models, AttentionScan scan, Conversion conversion, OptimizerOrder order)
    {
        fused = new(ReferenceEqualityComparer.Instance);
        foreach (var item in scan.Fused)
        {
            fused.TryAdd(item.Tensor, item);
        }

        this.models = new(() => [.. models.Value, .. OtherModels.Of(scan, models.Value)]);
        names = new(() => new ParameterNames(scan));
        this.conversion = conversion;
        this.order = order;
    }

    /// <summary>The parameters of <paramref name="optimizer"/> that are fused tensors.</summary>
    /// <exception cref="MigrationException">Which ones are cannot be proven.</exception>
    public IReadOnlyList<(OptimizerParameter Parameter, FusedTensor Fused)> Of(OptimizerEntry optimizer)
    {
        var kept = optimizer.Parameters.Where(parameter => parameter.HasState).ToList();
        if (optimizer.NameProblem is { } problem)
        {
            throw Refused(optimizer, problem);
        }

        if (kept.TrueForAll(parameter => parameter.Name is not null))
        {
            return ByName(optimizer, kept);
        }

        return kept.Exists(parameter => parameter.Name is not null)
            ? throw Refused(optimizer, "some of its parameters have names and some have none, so that which is which is not known")
            : ByNumber(optimizer);
    }

    /// <summary>The refusal of an optimizer, with the way out.</summary>
    public static MigrationException Refused(OptimizerEntry optimizer, string problem, string wayOut = "--drop-optimizer leaves it out") =>
        new(FailureKind.Unsupported, $"{problem}; {wayOut}", where: $"optimizer state '{optimizer.Path}'");

    private List<(OptimizerParameter, FusedTensor)> ByName(OptimizerEntry optimizer, List<OptimizerParameter> kept)
    {
        foreach (var name in kept.Select(parameter => parameter.Name!))
        {
            if (names.Value.Problem(name, conversion) is { } problem)
            {
                throw Refused(optimizer, $"its parameter '{name}' {problem}");
            }
        }

        if (names.Value.Find(kept) is { } found)
        {
            return [.. kept.Zip(found).Where(pair => fused.ContainsKey(pair.Second)).Select(pair => (pair.First, fused[pair.Second]))];
        }

        return IsOfOtherShapes(optimizer) ? [] : throw Refused(optimizer, Unmatched(optimizer, "name"));
    }

    private List<(OptimizerParameter, FusedTensor)> ByNumber(OptimizerEntry optimizer)
    {
        List<FusedTensor?[]> fits = [.. models.Value.Where(model => Fits(optimizer, model.Tensors)).Select(model => FusedOf(model.Tensors))];
        if (fits.Count == 0)
        {
            return IsOfOtherShapes(optimizer) ? [] : throw Refused(optimizer, Unmatched(optimizer, "number"));
        }

        var first = fits[0];
        if (fits.Exists(other => !other.Zip(first).All(pair => pair.First?.Dimension == pair.Second?.Dimension)))
        {
            throw Refused(
                optimizer,
                $"its {optimizer.Parameters.Count} parameters fit {fits.Count} models of the file alike, and the fused ones of these have other numbers");
        }

        var fitting = models.Value.First(model => Fits(optimizer, model.Tensors));
        if (order == OptimizerOrder.Proven && Exchangeable(optimizer, fitting.Tensors, first) is var (one, other))
        {
            throw Refused(
                optimizer,
                $"its groups can be in another order than the model: parameter {one.Id}, which is fused in the model's, and {other.Id} have one shape, "
                + "and nothing says which is which",
                "--optimizer-order model says that the numbers follow the model, --drop-optimizer leaves it out");
        }

        return [.. optimizer.Parameters.Zip(first).Where(pair => pair.Second is not null).Select(pair => (pair.First, pair.Second!))];
    }

    /// <summary>A fused parameter and another one of its shape in different groups; null where there are none.</summary>
    private static (OptimizerParameter Fused, OptimizerParameter Other)? Exchangeable(
        OptimizerEntry optimizer, IReadOnlyList<TensorEntry> model, FusedTensor?[] isFused)
    {
        if (optimizer.Parameters.DistinctBy(parameter => parameter.Group).Count() < 2)
        {
            return null;
        }

        var places = Enumerable.Range(0, model.Count).Where(i => model[i].ElementCount > 1).GroupBy(i => ElementKey.ShapeOf(model[i]));
        foreach (var shape in places)
        {
            var moving = shape.Where(i => isFused[i] is { Dimension: not null }).ToList();
            var staying = shape.Where(i => isFused[i] is not { Dimension: not null }).ToList();
            if (moving.Count == 0 || staying.Count == 0)
            {
                continue;
            }

            var groups = shape.Select(i => optimizer.Parameters[i].Group).Distinct().ToList();
            if (groups.Count > 1)
            {
                var one = optimizer.Parameters[moving[0]];
                return (one, optimizer.Parameters[staying.Find(i => optimizer.Parameters[i].Group != one.Group) is var at and > 0 ? at : staying[0]]);
            }
        }

        return null;
    }

    private FusedTensor?[] FusedOf(IReadOnlyList<TensorEntry> model) => [.. model.Select(tensor => fused.GetValueOrDefault(tensor))];

    /// <summary>Whether an optimizer can be one of a model, its parameters numbered in the model's order.</summary>
    public static bool Fits(OptimizerEntry optimizer, IReadOnlyList<TensorEntry> model) =>
        model.Count == optimizer.Parameters.Count
        && optimizer.Parameters.Zip(model).All(pair => pair.First.State.All(state => StateFollowers.MayBelong(state, pair.Second.Shape)));

    /// <summary>Whether nothing that it keeps has sizes of a fused tensor, so that none of its parameters is one.</summary>
    private bool IsOfOtherShapes(OptimizerEntry optimizer)
    {
        var shapes = fused.Values.Where(item => item.Dimension is not null)
            .Select(item => item.Tensor.Shape)
            .DistinctBy(shape => string.Join(',', shape))
            .ToList();
        return optimizer.Parameters.Where(parameter => parameter.HasState).All(parameter =>
            parameter.Unreadable.Count == 0
            && parameter.State.Any(state => state.ElementCount > 1)
            && parameter.State.All(state => state.ElementCount == 1 || !shapes.Exists(shape => StateFollowers.MayBelong(state, shape))));
    }

    private string Unmatched(OptimizerEntry optimizer, string by)
    {
        var tried = string.Join(" or ", models.Value
            .Where(model => model.Tensors.Any(fused.ContainsKey))
            .Select(model => $"{model.Tensors.Count} tensors{(model.Scope.Path.Length > 0 ? $" in '{model.Scope.Path}'" : "")}"));
        return $"its {optimizer.Parameters.Count} parameters cannot be matched by {by} and shape to the model's {tried}";
    }
}
