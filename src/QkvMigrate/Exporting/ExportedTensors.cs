using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;

namespace QkvMigrate.Exporting;

/// <summary>
/// Holds the tensors of a model against its configuration, name by name and size by size, and says what each becomes.
/// Nothing is left over and nothing is missing.
/// </summary>
internal sealed class ExportedTensors
{
    private readonly ModelTensors found;
    private readonly ModelConfiguration model;
    private readonly ModelFamily family;
    private readonly DType? dtype;
    private readonly IReadOnlyList<IReadOnlyList<RowRun>> fused;
    private readonly Dictionary<string, List<(string Target, int Place)>> stacks;

    private ExportedTensors(ModelTensors found, ModelConfiguration model, ModelFamily family, DType? dtype)
    {
        this.found = found;
        this.model = model;
        this.family = family;
        this.dtype = dtype;
        fused = HeadRows.Of(model.Geometry, found.Layout.Rows!, family.Fused);
        stacks = family.Stacked.SelectMany(stack => stack.Value.Select((module, place) => (module, stack.Key, place)))
            .GroupBy(part => part.module, StringComparer.Ordinal)
            .ToDictionary(part => part.Key, part => part.Select(of => (of.Key, of.place)).ToList(), StringComparer.Ordinal);
    }

    /// <summary>The tensors in the order of the model.</summary>
    /// <param name="found">The model's tensors.</param>
    /// <param name="model">Its configuration.</param>
    /// <param name="family">What it becomes.</param>
    /// <param name="dtype">The element type of all, or null for that which each has.</param>
    /// <exception cref="MigrationException">A tensor is missing, of another shape, of no use, or has no place in the family.</exception>
    public static IReadOnlyList<ExportedTensor> Of(ModelTensors found, ModelConfiguration model, ModelFamily family, DType? dtype)
    {
        if (ModelParameters.Least(model) is var least && least > found.Tensors.Count)
        {
            throw new MigrationException(
                FailureKind.Malformed,
                $"{found.Tensors.Count} tensors are too few for {model.LayerCount} layers{(model.Experts is { } experts ? $" of {experts.Count} experts" : "")}, which the configuration gives");
        }

        return new ExportedTensors(found, model, family, dtype).Convert();
    }

    /// <summary>The name of a parameter in checkpoints of a layout.</summary>
    public static string NameIn(ModelParameter parameter, LayoutFamily layout) => FusedNames.Renamed(parameter.Name, LayoutFamilies.Sequential, layout);

    private List<ExportedTensor> Convert()
    {
        var left = found.Tensors.Keys.ToHashSet(StringComparer.Ordinal);
        var made = new List<ExportedTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var open = new Dictionary<string, ExportedTensor?[]>(StringComparer.Ordinal);
        foreach (var parameter in ModelParameters.Of(model))
        {
            var name = NameIn(parameter, found.Layout);
            var tensor = found.Tensors.GetValueOrDefault(name);
            var isTiedHead = parameter.Module == ModelParameters.Head && family.TiesHead;
            if (tensor is null && !isTiedHead)
            {
                throw new MigrationException(
                    FailureKind.Malformed,
                    $"the model has no '{name}', which its configuration asks for; it is half a model, or another one's configuration");
            }

            left.Remove(name);
            if (tensor is not null)
            {
                Check(tensor, parameter);
            }

            foreach (var exported in isTiedHead ? [] : Exported(parameter, tensor!, open))
            {
                made.Add(names.Add(exported.Name) ? exported : throw new InvalidOperationException($"the family {family.Name} has two tensors {exported.Name}"));
            }
        }

        return left.Count == 0 ? made : throw LeftOver(left.Order(StringComparer.Ordinal).First());
    }

    private IEnumerable<ExportedTensor> Exported(ModelParameter parameter, TensorEntry tensor, Dictionary<string, ExportedTensor?[]> open)
    {
        if (parameter.Module == ModelParameters.Fused)
        {
            return family.Modules[ModelParameters.Fused].Select((target, i) => Made(target, parameter, [new TensorRows(tensor, fused[i])]));
        }

        if (stacks.TryGetValue(parameter.Module, out var places))
        {
            return places
                .Select(place => Stacked(place.Target, place.Place, Made(place.Target, parameter, [TensorRows.All(tensor)]), open))
                .OfType<ExportedTensor>();
        }

        return family.Modules.TryGetValue(parameter.Module, out var targets)
            ? targets.Select(target => Made(target, parameter, [TensorRows.All(tensor)]))
            : throw new MigrationException(
                FailureKind.Unsupported,
                $"{family.Title} of Hugging Face's has no place for it",
                tensor.Storage.Source.Path,
                $"tensor '{tensor.Label}'");
    }

    /// <summary>The whole stack where this was its last part; null before.</summary>
    private ExportedTensor? Stacked(string target, int place, ExportedTensor part, Dictionary<string, ExportedTensor?[]> open)
    {
        if (!open.TryGetValue(part.Name, out var parts))
        {
            open.Add(part.Name, parts = new ExportedTensor?[family.Stacked[target].Count]);
        }

        parts[place] = part;
        return Array.TrueForAll(parts, known => known is not null)
            ? part with { Shape = [parts.Sum(known => known!.Shape[0]), .. part.Shape.Skip(1)], Rows = [.. parts.SelectMany(known => known!.Rows)] }
            : null;
    }

    private ExportedTensor Made(string target, ModelParameter parameter, IReadOnlyList<TensorRows> rows) => new(
        $"{ModelParameter.Numbered(target, parameter.Numbers)}.{parameter.Kind}",
        dtype ?? rows[0].Source.DType,
        [rows.Sum(part => part.Count), .. parameter.Shape.Skip(1)],
        rows);

    private void Check(TensorEntry tensor, ModelParameter parameter)
    {
        if (tensor.Peculiarity is { } peculiarity)
        {
            throw Refused(FailureKind.Unreadable, $"{peculiarity} stands where a plain tensor was expected; save the state dict with plain tensors");
        }

        if (!tensor.Shape.SequenceEqual(parameter.Shape))
        {
            throw Refused(
                FailureKind.Geometry,
                $"it has shape ({string.Join(", ", tensor.Shape)}), but the configuration takes ({string.Join(", ", parameter.Shape)})");
        }

        if (!ElementTypes.IsFloatingPoint(tensor.DType))
        {
            throw Refused(FailureKind.Unsupported, dtype is null
                ? $"its elements are {tensor.DType}, expected floating point; of a quantized model, export the one that it was made from"
                : $"its elements are {tensor.DType}, which is not converted to {dtype}");
        }

        MigrationException Refused(FailureKind kind, string problem) => new(kind, problem, tensor.Storage.Source.Path, $"tensor '{tensor.Label}'");
    }

    private MigrationException LeftOver(string name)
    {
        var tensor = found.Tensors[name];
        return new MigrationException(
            FailureKind.Unsupported,
            $"its configuration has no such parameter, so that {family.Title} of Hugging Face's has no place for it",
            tensor.Storage.Source.Path,
            $"tensor '{tensor.Label}'");
    }
}
