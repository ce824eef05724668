using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Finds the copies of fused tensors that have a number and no name: averages, master weights, slow weights, lists of
/// parameters. A tensor is one where it is a fused tensor once more, or where the tensors that have numbers beside it
/// are the parameters of a model: as many, of the same shapes in the same order; or some of them, where their shapes, or
/// the order with them, leave no choice. What looks like a copy and is none so is a difference: it is not verified.
/// </summary>
internal sealed class UnnamedCopies
{
    private const int Around = 8;
    private const int MostModels = 16;
    private const long MostWork = 1L << 27;

    /// <summary>Keys under which DeepSpeed keeps all parameters in one row.</summary>
    private static readonly string[] Rows = ["fp32_groups_flat", "single_partition_of_fp32_groups", "fp32_flat_groups"];

    private readonly Checkpoint file;
    private readonly List<FusedEntry> fused;
    private readonly Lazy<List<List<TensorEntry>>> models;
    private readonly DifferenceLog log;
    private readonly Dictionary<(ContainerEntry, string), Dictionary<TensorEntry, bool>?> told = [];
    private Dictionary<ContainerEntry, List<TensorEntry>>? within;
    private Dictionary<(ContainerEntry, string), List<TensorEntry>>? numbered;
    private List<ParameterOrder>? orders;
    private long work;

    /// <summary>Prepares for a file.</summary>
    public UnnamedCopies(Checkpoint file, List<FusedEntry> fused, Lazy<List<List<TensorEntry>>> models, DifferenceLog log)
    {
        this.file = file;
        this.fused = fused;
        this.models = models;
        this.log = log;
    }

    /// <summary>The copies, each with a fused tensor whose rows stand as its own do.</summary>
    public List<(TensorEntry Copy, FusedEntry Owner)> Find()
    {
        var found = new List<(TensorEntry, FusedEntry)>();
        if (!file.Tensors.Any(IsOfInterest))
        {
            return found;
        }

        var moving = fused.Where(item => item is { IsKnown: true, Axis: { IsPacked: false } }).ToList();
        var owners = moving.GroupBy(item => ShapeOf(item.Tensor)).ToDictionary(group => group.Key, group => group.First());
        var same = moving.Select(item => ElementView.Of(item.Tensor)).ToHashSet();
        var others = models.Value.SelectMany(model => model).Where(IsParameter).Select(ElementView.Of).Where(view => !same.Contains(view)).ToHashSet();
        var storages = moving.Select(item => item.Tensor.Storage).ToHashSet();
        var sizes = models.Value.Where(model => model.Count > 1).Select(model => model.Where(parameter => parameter.ElementCount > 1 && IsParameter(parameter)).Sum(parameter => (decimal)parameter.ElementCount)).ToHashSet();
        if (moving.Count == 0)
        {
            return found;
        }

        var explained = fused.Select(item => item.Tensor).ToHashSet<TensorEntry>(ReferenceEqualityComparer.Instance);
        var states = file.Optimizers.SelectMany(optimizer => optimizer.StateContainers).ToHashSet();
        foreach (var tensor in file.Tensors.Where(IsOfInterest))
        {
            if (explained.Contains(tensor) || states.Contains(tensor.Container))
            {
                continue;
            }

            if (IsFlat(tensor, sizes, others.Contains(ElementView.Of(tensor))) && !storages.Contains(tensor.Storage))
            {
                log.Add($"tensor '{tensor.Label}'", "it may hold all parameters in one row, and where the fused ones stand in it cannot be told, so it is not verified");
                continue;
            }

            if (!owners.TryGetValue(ShapeOf(tensor), out var owner) || Sequences(tensor) is not { Count: > 0 } sequences)
            {
                continue;
            }

            var view = ElementView.Of(tensor);
            if (same.Contains(view))
            {
                found.Add((tensor, owner));
            }
            else if (!others.Contains(view))
            {
                orders ??= [.. models.Value.Select(model => new ParameterOrder(model.Where(parameter => parameter.ElementCount > 1 && IsParameter(parameter)).Select(parameter => (ShapeOf(parameter), same.Contains(ElementView.Of(parameter)))), file.Format != CheckpointFormat.Safetensors)).DistinctBy(order => order.Text)];
                switch (Judge(tensor, sequences))
                {
                    case true:
                        found.Add((tensor, owner));
                        break;
                    case null:
                        log.Add($"tensor '{tensor.Label}'", "it has the shape of a fused tensor and no name, and which parameter it is a copy of cannot be told, so it is not verified");
                        break;
                }
            }
        }

        return found;
    }

    /// <summary>Whether a tensor is one row of all parameters: by its key, or by the number of its elements.</summary>
    private static bool IsFlat(TensorEntry tensor, HashSet<decimal> sizes, bool isAmongThem)
    {
        if (tensor.Shape.Count != 1)
        {
            return false;
        }

        var keys = new List<string?> { tensor.Name?.Text };
        for (var at = tensor.Container; at is not null && keys.Count <= Around; at = at.Parent)
        {
            keys.Add(at.Key?.Text);
        }

        return sizes.Contains(tensor.ElementCount * (isAmongThem ? 2M : 1M)) || keys.Exists(key => Rows.Contains(key));
    }

    /// <summary>Whether the tensor is a copy of a fused one; null where that cannot be told.</summary>
    private bool? Judge(TensorEntry tensor, List<(ContainerEntry, string)> sequences)
    {
        foreach (var sequence in sequences)
        {
            if (!told.TryGetValue(sequence, out var answers))
            {
                told.Add(sequence, answers = Answer(sequence));
            }

            if (answers is not null && answers.TryGetValue(tensor, out var isFused))
            {
                return isFused;
            }
        }

        var shape = ShapeOf(tensor);
        return tensor.Shape.Count > 1 || orders!.Exists(order => order.FusedOf(shape) is > 0 and var count && MembersOf(sequences[0]).Count(member => ShapeOf(member) == shape) >= count) ? null : false;
    }

    private Dictionary<TensorEntry, bool>? Answer((ContainerEntry Container, string Key) sequence)
    {
        work += orders!.Sum(order => (long)order.Count);
        if (orders!.Count > MostModels || work > MostWork)
        {
            return null;
        }

        var members = MembersOf(sequence);
        if (Agreed(members.ConvertAll(ShapeOf)) is { } flat)
        {
            return members.Zip(flat).ToDictionary<(TensorEntry Tensor, bool IsFused), TensorEntry, bool>(pair => pair.Tensor, pair => pair.IsFused, ReferenceEqualityComparer.Instance);
        }

        // Each item of the container may hold several tensors of one parameter.
        var groups = members.GroupBy(member => Outermost(member, sequence.Container)).ToList();
        if (groups.Exists(group => group.Key is null || group.Select(ShapeOf).Distinct().Skip(1).Any()) || Agreed(groups.ConvertAll(group => ShapeOf(group.First()))) is not { } items)
        {
            return null;
        }

        return groups.Zip(items).SelectMany(pair => pair.First.Select(member => (member, pair.Second)))
            .ToDictionary<(TensorEntry Tensor, bool IsFused), TensorEntry, bool>(pair => pair.Tensor, pair => pair.IsFused, ReferenceEqualityComparer.Instance);
    }

    /// <summary>What all models say that have such parameters; null where none has, or two differ.</summary>
    private bool[]? Agreed(List<string> shapes)
    {
        var answers = orders!.Select(order => order.Recognise(shapes)).OfType<bool[]>().ToList();
        return answers.Count > 0 && answers.TrueForAll(answer => answer.AsSpan().SequenceEqual(answers[0])) ? answers[0] : null;
    }

    private static ContainerEntry? Outermost(TensorEntry tensor, ContainerEntry container)
    {
        var at = tensor.Container;
        for (var i = 0; i < Around && at is not null && at.Parent != container; i++)
        {
            at = at.Parent;
        }

        return at;
    }

    /// <summary>Tensors that have the numbers of weights, and a key that is no parameter's name.</summary>
    private static bool IsOfInterest(TensorEntry tensor) =>
        tensor.ElementCount > 1 && tensor.DType.Name.Contains("float", StringComparison.Ordinal) && (HasNumber(tensor) || !tensor.Name!.Text.Contains('.', StringComparison.Ordinal));

    /// <summary>Whether a tensor of a model has a name, or one beside it.</summary>
    private static bool IsParameter(TensorEntry tensor) => tensor.Name is null ? tensor.Container.Texts.Count > 0 : !HasNumber(tensor) && !IsWordWithNumber(tensor);

    private static bool IsWordWithNumber(TensorEntry tensor) => tensor.Name is { Text: { Length: > 0 } text } && char.IsAsciiDigit(text[^1]) && !text.Contains('.', StringComparison.Ordinal);

    private static bool HasNumber(TensorEntry tensor) => tensor.Name is null || EndsInNumber(tensor.Name.Text);

    private static bool EndsInNumber(string key) => key.Length > 0 && key.Split('.')[^1] is { Length: > 0 } last && last.All(char.IsAsciiDigit);

    /// <summary>What gives the tensor a number, the nearest first: a container, or what its key is before the number.</summary>
    private static List<(ContainerEntry Container, string Key)> Sequences(TensorEntry tensor)
    {
        var sequences = new List<(ContainerEntry, string)>();
        if (tensor.Name is null)
        {
            sequences.Add((tensor.Container, ""));
        }
        else
        {
            for (var key = tensor.Name.Text; EndsInNumber(key);)
            {
                var dot = key.LastIndexOf('.');
                key = dot < 0 ? "" : key[..dot];
                sequences.Add((tensor.Container, key));
            }
        }

        var at = tensor.Container;
        for (var i = 0; i < Around && at.Parent is { } outer; i++, at = outer)
        {
            if (at.IsNumbered || (at.Key is not null && EndsInNumber(at.Key.Text)))
            {
                sequences.Add((outer, ""));
            }
        }

        // param_3 says as little as 3.
        if (IsWordWithNumber(tensor) && !HasNumber(tensor))
        {
            sequences.Add((tensor.Container, ""));
        }

        return sequences;
    }

    private List<TensorEntry> MembersOf((ContainerEntry Container, string Key) sequence)
    {
        within ??= Within();
        if (sequence.Key.Length == 0)
        {
            return within[sequence.Container];
        }

        numbered ??= file.Tensors.Where(tensor => tensor.ElementCount > 1 && tensor.Name is not null)
            .SelectMany(tensor => Sequences(tensor).Where(item => item.Key.Length > 0).Select(item => (item, tensor)))
            .GroupBy(pair => pair.item, pair => pair.tensor).ToDictionary(group => group.Key, group => group.ToList());
        var length = sequence.Key.Length + 1;
        return [.. numbered[sequence].OrderBy(member => string.Concat(member.Name!.Text[length..].Split('.').Select(number => number.PadLeft(20, '0'))), StringComparer.Ordinal)];
    }

    /// <summary>The tensors in each container that something unnamed may be in, at any depth.</summary>
    private Dictionary<ContainerEntry, List<TensorEntry>> Within()
    {
        var wanted = file.Tensors.Where(IsOfInterest).SelectMany(Sequences).Select(sequence => sequence.Container).ToHashSet();
        var all = new Dictionary<ContainerEntry, List<TensorEntry>>();
        foreach (var tensor in file.Tensors.Where(tensor => tensor.ElementCount > 1))
        {
            var at = (ContainerEntry?)tensor.Container;
            for (var i = 0; i <= Around && at is not null; i++, at = at.Parent)
            {
                if (wanted.Contains(at))
                {
                    (all.TryGetValue(at, out var list) ? list : all[at] = []).Add(tensor);
                }
            }
        }

        return all;
    }

    private static string ShapeOf(TensorEntry tensor) => string.Join('x', tensor.Shape);
}
