using QkvMigrate.Checkpoints;
using QkvMigrate.Layouts;

namespace QkvMigrate.Planning;

/// <summary>
/// Refuses checkpoints with attention in them that cannot be moved: under a fused name, something that is no strided
/// tensor; a whole module; FSDP's flat parameters. Passed over, it would be left in the old order beside the new one, or
/// the file would be said to have none. Plain data under fused names, in a dict without fused tensors, is the user's own.
/// </summary>
internal static class UnreadableAttention
{
    private const int NamesInAdvice = 3;
    private const string Flat = "flat_param";

    /// <summary>Steps of a path that are no part of a module's name: how a pickle holds an object, how a module holds its parts.</summary>
    private static readonly HashSet<string> Holders = ["(state)", "(arguments)", "_modules", "_parameters", "_buffers"];

    /// <summary>What the user can do, by the kind of the value.</summary>
    private static readonly Dictionary<OtherValueKind, string> Remedies = new()
    {
        [OtherValueKind.Plain] = "the names beside it hold tensors, so this is half a model: save the state dict with all of its tensors",
        [OtherValueKind.Unknown] = "what it stands for is not known: save the state dict with tensors",
        [OtherValueKind.Numbers] = "save it as a tensor, torch.tensor(list)",
        [OtherValueKind.Collection] = "save the state dict with the tensor itself under its name",
        [OtherValueKind.Module] = "save its state dict, torch.save(model.state_dict(), FILE)",
        [OtherValueKind.Meta] = "it has a shape and no numbers: save the model again when its weights are loaded",
        [OtherValueKind.Device] = "save it from the CPU, torch.save({name: tensor.cpu() for name, tensor in model.state_dict().items()}, FILE)",
        [OtherValueKind.Sharded] = "the parts of all ranks are needed: "
            + "consolidate them (python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIR FILE), "
            + "or save a full state dict from the training (FSDP's StateDictType.FULL_STATE_DICT)",
        [OtherValueKind.Sparse] = "save it as tensor.to_dense()",
        [OtherValueKind.Quantized] = "upgrade the checkpoint that it was quantized from, or save it as tensor.dequantize()",
        [OtherValueKind.Subclass] = "how it keeps its numbers is not known: upgrade the checkpoint that it was made from, or save it as a plain tensor",
        [OtherValueKind.Array] = "save it as a tensor, torch.from_numpy(array)",
        [OtherValueKind.Reference] = "load the file and those that it points to (torch_xla: FILE.tensors), and save all of it with torch.save from the CPU",
        [OtherValueKind.Key] = "only a text can get the new name: save the state dict with texts as keys",
        [OtherValueKind.Bytes] = "what numbers they are is not known: save the state dict with tensors",
    };

    /// <summary>What the user can do about a value of a kind.</summary>
    public static string Remedy(OtherValueKind kind) => Remedies[kind];

    /// <summary>Refuses what cannot be moved; tells of plain data under fused names.</summary>
    /// <param name="checkpoint">The file.</param>
    /// <param name="from">The layout that the file would leave.</param>
    /// <exception cref="MigrationException">Attention stands in the file in a form that this tool cannot move.</exception>
    public static IReadOnlyList<Advice> Check(Checkpoint checkpoint, LayoutFamily from)
    {
        var (holders, lists) = CheckNames(checkpoint, from);
        var plain = new List<OtherValue>();
        foreach (var value in checkpoint.OtherValues)
        {
            if (!IsAttention(value, out var isNamed) || lists.Contains((value.Container, value.Key)))
            {
                continue;
            }

            if (value.IsTensorLike || holders.Contains(value.Container))
            {
                throw Refused(isNamed ? value.Label : Dotted(value.Label), value.Description, Remedies[value.Kind]);
            }

            if (isNamed)
            {
                plain.Add(value);
            }
        }

        CheckModules(checkpoint);
        return plain.Count == 0
            ? []
            : [new Advice("fused-name-on-plain-data", $"names of fused attention that hold no tensors stay as they are: {Names(plain)}")];
    }

    /// <summary>
    /// Checks the tensors by their names; returns the containers with fused ones, and the lists of plain tensors under fused names, by
    /// what holds these and their keys.
    /// </summary>
    private static (HashSet<ContainerEntry> Holders, HashSet<(ContainerEntry?, string)> Lists) CheckNames(Checkpoint checkpoint, LayoutFamily from)
    {
        var holders = new HashSet<ContainerEntry>();
        var (lists, unmovable) = (new HashSet<(ContainerEntry?, string)>(), new HashSet<(ContainerEntry?, string)>());
        foreach (var tensor in checkpoint.Tensors)
        {
            if (SpreadName.KeyOfList(tensor) is { Text: var list } && IsFused(list, out var end) && end.Length > 0)
            {
                (tensor.Peculiarity is null ? lists : unmovable).Add((tensor.Container.Parent, list));
            }

            AddFusedKeysAbove(tensor, unmovable);

            if (tensor.Name is not { Text: var name })
            {
                continue;
            }

            CheckFlat(name, tensor.Label);
            if (IsFused(name, out var suffix))
            {
                if (tensor.Peculiarity is { } peculiarity)
                {
                    throw Refused(tensor.Label, peculiarity, Remedies[OtherValueKind.Subclass]);
                }

                if (suffix.Length == 0)
                {
                    throw Refused(tensor.Label, "a tensor under the name of the module itself", "LitGPT puts none there, so its rows are not known");
                }

                holders.Add(tensor.Container);
            }
            else if (SpelledName.IsFused(name, from))
            {
                throw new MigrationException(
                    FailureKind.Unsupported,
                    "it has the name of a fused tensor in another spelling, so it would be left in the old order; "
                    + "save it under the parameter's own name, or the file without it",
                    where: $"tensor '{tensor.Label}'");
            }
        }

        // Beside plain tensors, a list in the place of one is a tensor in pieces, or something else.
        lists.ExceptWith(unmovable);
        lists.RemoveWhere(list => list.Item1 is { } holder && holders.Contains(holder));
        holders.UnionWith(lists.Select(list => list.Item1).OfType<ContainerEntry>());
        return (holders, lists);
    }

    /// <summary>Adds the fused names under which a tensor stands deeper than as an item of a list: what such a list is, nobody knows.</summary>
    private static void AddFusedKeysAbove(TensorEntry tensor, HashSet<(ContainerEntry?, string)> found)
    {
        var at = SpreadName.KeyOfList(tensor) is null ? tensor.Container : tensor.Container.Parent;
        for (var steps = 0; at is not null && steps < SpreadName.Steps; (at, steps) = (at.Parent, steps + 1))
        {
            if (at.Key is { Text: var key } && IsFused(key, out var end) && end.Length > 0)
            {
                found.Add((at.Parent, key));
            }
        }
    }

    /// <summary>Refuses the fused parameters of modules that were pickled as a whole.</summary>
    private static void CheckModules(Checkpoint checkpoint)
    {
        foreach (var tensor in checkpoint.Tensors)
        {
            if (IsOfModule(tensor.Container) && Dotted(tensor.Label) is var name && IsFused(name, out _))
            {
                throw Refused(name, "a parameter of a whole module", Remedies[OtherValueKind.Module]);
            }
        }
    }

    private static bool IsOfModule(ContainerEntry container) =>
        container.Path.EndsWith("_parameters", StringComparison.Ordinal) || container.Path.EndsWith("_buffers", StringComparison.Ordinal);

    /// <summary>Whether a value stands under a name of fused attention, or, where it is like a tensor, below one.</summary>
    private static bool IsAttention(OtherValue value, out bool isNamed)
    {
        CheckFlat(value.Key, value.Label);
        isNamed = IsFused(value.Key, out var suffix);

        // A dict of a module's tensors by their suffixes: each of these is a tensor whose name is spread over keys. The parameters
        // of a module that is a part of another one are found by themselves, too.
        return (isNamed || (value.IsTensorLike && value.Kind != OtherValueKind.Module && IsFused(Dotted(value.Label), out suffix)))
            && (suffix.Length > 0 || value.Kind != OtherValueKind.Collection);
    }

    private static bool IsFused(string name, out string suffix) =>
        FusedNames.TrySplit(name, LayoutFamilies.Interleaved.Module, out _, out suffix)
        || FusedNames.TrySplit(name, LayoutFamilies.Sequential.Module, out _, out suffix);

    /// <summary>The name that a module's parameter has in its state dict.</summary>
    private static string Dotted(string path) => string.Join('.', path.Split('/').Where(step => !Holders.Contains(step)));

    private static void CheckFlat(string name, string label)
    {
        var last = name.AsSpan()[(name.LastIndexOf('.') + 1)..].TrimStart('_');
        if (last is Flat || (last.StartsWith(Flat + "_", StringComparison.Ordinal) && !last[(Flat.Length + 1)..].ContainsAnyExceptInRange('0', '9')))
        {
            throw Refused(
                label,
                "a flat parameter of FSDP, with all tensors of a module in one row",
                "save a full state dict from the training (StateDictType.FULL_STATE_DICT)");
        }
    }

    private static MigrationException Refused(string label, string what, string remedy) =>
        new(FailureKind.Unreadable, $"{what} stands where a plain tensor was expected; {remedy}", where: $"'{label}'");

    private static string Names(List<OtherValue> values) =>
        string.Join(", ", values.Take(NamesInAdvice).Select(value => $"'{value.Label}' ({value.Description})"))
        + (values.Count > NamesInAdvice ? $" and {values.Count - NamesInAdvice} more" : "");
}
