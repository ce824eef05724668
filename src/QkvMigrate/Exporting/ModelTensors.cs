using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Exporting;

/// <summary>The tensors of LitGPT's model in a checkpoint, by the names that they have in LitGPT without what wraps the model.</summary>
/// <param name="Tensors">The tensors by name.</param>
/// <param name="Layout">The layout of their fused attention.</param>
/// <param name="LeftBehind">Tensors of the checkpoint that belong to no model.</param>
internal sealed record ModelTensors(IReadOnlyDictionary<string, TensorEntry> Tensors, LayoutFamily Layout, int LeftBehind)
{
    private const string Root = "transformer";
    private const string Head = "lm_head";

    private static readonly HashSet<string> Parts = ["wte", "h", "ln_f"];

    /// <summary>
    /// Finds the model: names that begin with <c>transformer</c> or <c>lm_head</c>, behind the way to them, which is the same for
    /// all. What an optimizer keeps is none of them. Null where the checkpoint has no such names.
    /// </summary>
    /// <param name="files">The checkpoint: one file, or the shards of one model.</param>
    /// <exception cref="MigrationException">There are several models, or two tensors of one name, or names of both ages.</exception>
    public static ModelTensors? Find(IReadOnlyList<Checkpoint> files)
    {
        var ways = new Dictionary<string, Dictionary<string, TensorEntry>>(StringComparer.Ordinal);
        var others = 0;
        foreach (var file in files)
        {
            var kept = file.Optimizers.SelectMany(optimizer => optimizer.Parameters)
                .SelectMany(parameter => parameter.State)
                .ToHashSet(ReferenceEqualityComparer.Instance);
            foreach (var tensor in file.Tensors.Where(tensor => !kept.Contains(tensor)))
            {
                if (TrySplit(tensor, out var way, out var name))
                {
                    Add(ways, way, name, tensor);
                }
                else
                {
                    others++;
                }
            }
        }

        var models = ways.Where(way => way.Value.Keys.Any(IsAttention)).ToList();
        return models switch
        {
            [] => null,
            [var (way, tensors)] => new ModelTensors(
                tensors,
                LayoutOf(tensors),
                others + ways.Where(other => other.Key != way).Sum(other => other.Value.Count)),
            _ => throw new MigrationException(
                FailureKind.Conflict,
                $"there are {models.Count} models in it, under {string.Join(" and ", models.Select(model => $"'{model.Key}'").Order(StringComparer.Ordinal))}; save the one that is meant in a file of its own"),
        };
    }

    private static void Add(Dictionary<string, Dictionary<string, TensorEntry>> ways, string way, string name, TensorEntry tensor)
    {
        if (!ways.TryGetValue(way, out var tensors))
        {
            ways.Add(way, tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal));
        }

        if (!tensors.TryAdd(name, tensor))
        {
            throw new MigrationException(
                FailureKind.Conflict,
                $"'{tensors[name].Label}' and this are both {name}",
                tensor.Storage.Source.Path,
                $"tensor '{tensor.Label}'");
        }
    }

    /// <summary>A name with all steps on the way to it, cut where LitGPT's own begins. Wrappers are no steps.</summary>
    private static bool TrySplit(TensorEntry tensor, out string way, out string name)
    {
        way = name = "";
        if (tensor.Name is null)
        {
            return false;
        }

        var steps = $"{tensor.Container.Path.Replace('/', '.')}.{tensor.Name.Text}"
            .Split('.', StringSplitOptions.RemoveEmptyEntries)
            .Where(step => !WrapperNames.IsOne(step))
            .ToList();
        var start = steps.FindIndex(0, steps.Count, step => step is Root or Head);
        if (start < 0 || start == steps.Count - 1 || (steps[start] == Root && !Parts.Contains(steps[start + 1])))
        {
            return false;
        }

        (way, name) = (string.Join('.', steps[..start]), string.Join('.', steps[start..]));
        return true;
    }

    /// <summary>Whether a name is that of something in a block's attention: a model has some, whatever it is made of. A LoRA may have none there.</summary>
    private static bool IsAttention(string name) =>
        name.StartsWith($"{Root}.h.", StringComparison.Ordinal)
            && (name.Contains(".attn.", StringComparison.Ordinal) || name.EndsWith(".lora_A", StringComparison.Ordinal));

    private static LayoutFamily LayoutOf(Dictionary<string, TensorEntry> tensors)
    {
        var first = new[] { LayoutFamilies.Interleaved, LayoutFamilies.Sequential }
            .Select(layout => (Layout: layout, Name: tensors.Keys.FirstOrDefault(name => FusedNames.TrySplit(name, layout.Module, out _, out _))))
            .Where(found => found.Name is not null)
            .ToList();
        return first switch
        {
            [var only] => only.Layout,
            [] => LayoutFamilies.Sequential,
            _ => throw new MigrationException(
                FailureKind.Conflict,
                $"legacy and upgraded names stand in one model: {string.Join(" and ", first.Select(found => $"'{tensors[found.Name!].Label}'"))}; which rows are in which order cannot be told"),
        };
    }
}
