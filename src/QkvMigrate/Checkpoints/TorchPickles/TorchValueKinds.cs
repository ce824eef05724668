using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>
/// Tells what values are that are no strided tensors. Each value is looked at once, however many others share it.
/// </summary>
/// <param name="storages">The storages of the pickle.</param>
/// <param name="budget">Pays for what is remembered.</param>
internal sealed class TorchValueKinds(TorchStorages storages, PickleBudget budget)
{
    /// <summary>Functions of PyTorch and numpy that make what is like a tensor (torch/_utils.py, torch/_tensor.py, numpy/core/multiarray.py).</summary>
    private static readonly Dictionary<string, OtherValueKind> Makers = new()
    {
        ["torch._utils._rebuild_meta_tensor_no_storage"] = OtherValueKind.Meta,
        ["torch._utils._rebuild_xla_tensor"] = OtherValueKind.Device,
        ["torch._utils._rebuild_mlc_tensor"] = OtherValueKind.Device,
        ["torch._utils._rebuild_device_tensor_from_numpy"] = OtherValueKind.Device,
        ["torch._utils._rebuild_device_tensor_from_cpu_tensor"] = OtherValueKind.Device,
        ["torch._utils._rebuild_sparse_tensor"] = OtherValueKind.Sparse,
        ["torch._utils._rebuild_sparse_csr_tensor"] = OtherValueKind.Sparse,
        ["torch._utils._rebuild_nested_tensor"] = OtherValueKind.Subclass,
        ["torch._utils._rebuild_qtensor"] = OtherValueKind.Quantized,
        ["torch._utils._rebuild_wrapper_subclass"] = OtherValueKind.Subclass,
        ["numpy.core.multiarray._reconstruct"] = OtherValueKind.Array,
        ["numpy._core.multiarray._reconstruct"] = OtherValueKind.Array,
        ["numpy.core.numeric._frombuffer"] = OtherValueKind.Array,
        ["numpy._core.numeric._frombuffer"] = OtherValueKind.Array,
        ["torch.storage._load_from_bytes"] = OtherValueKind.Bytes,
        ["torch.storage.TypedStorage"] = OtherValueKind.Bytes,
        ["torch.storage._TypedStorage"] = OtherValueKind.Bytes,
    };

    /// <summary>Classes, by their names alone: their modules have moved from version to version.</summary>
    private static readonly Dictionary<string, OtherValueKind> Classes = new()
    {
        ["ShardedTensor"] = OtherValueKind.Sharded, // torch/distributed/_shard/sharded_tensor/api.py, torch/distributed/_sharded_tensor
        ["DTensor"] = OtherValueKind.Sharded, // torch/distributed/_tensor/api.py, torch/distributed/tensor/_api.py
        ["TensorReference"] = OtherValueKind.Reference, // torch_xla/utils/serialization.py
    };

    /// <summary>What makes plain data of plain arguments.</summary>
    private static readonly HashSet<string> PlainMakers =
    [
        "torch.Size", "torch.device", "torch.serialization._get_layout", "torch._utils._rebuild_dtype",
        "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode",
        "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque",
        "builtins.set", "builtins.frozenset", "builtins.complex", "builtins.range", "builtins.slice", "builtins.dict", "builtins.list", "builtins.tuple",
        "__builtin__.set", "__builtin__.frozenset", "__builtin__.complex", "__builtin__.xrange", "__builtin__.slice",
        "datetime.datetime", "datetime.date", "datetime.timedelta", "decimal.Decimal",
        "fractions.Fraction", "pathlib.PosixPath", "uuid.UUID", "argparse.Namespace",
    ];

    private readonly Dictionary<PickleNode, OtherValueKind> known = [];

    /// <summary>What <paramref name="node"/> is; <see cref="OtherValueKind.Collection"/> for a strided tensor.</summary>
    /// <exception cref="MigrationException">A tensor in it is none.</exception>
    public OtherValueKind Of(PickleNode node)
    {
        if (node is not PickleContainer)
        {
            return node switch
            {
                PickleBytes or PicklePersistent => OtherValueKind.Bytes,
                PickleExtension or PickleComputedGlobal => OtherValueKind.Unknown,
                _ => OtherValueKind.Plain,
            };
        }

        if (known.TryGetValue(node, out var kind))
        {
            return kind;
        }

        // What holds itself adds nothing to what it holds besides.
        budget.Spend(node.Offset, PickleBudget.Slot);
        known.Add(node, OtherValueKind.Plain);
        return known[node] = node is PickleObject call ? Of(call) : IsMatrix(node) ? OtherValueKind.Numbers : OfParts(node);
    }

    /// <summary>The kind of <paramref name="node"/> in words.</summary>
    public string Describe(PickleNode node) => new TorchValueTexts(storages, this).Of(node, Of(node));

    /// <summary>Whether <paramref name="node"/> is a strided tensor.</summary>
    public bool IsTensor(PickleNode node) => node is PickleObject && TorchTensor.Read(node, storages, this) is not null;

    /// <summary>The class of a subclass of Tensor that <paramref name="call"/> makes, or null where it makes another thing.</summary>
    public static string? SubclassOf(PickleObject call) => call switch
    {
        { CallableName: TorchGlobals.RebuildFromTypeV2, Arguments: PickleTuple { Items: [_, { Node: PickleGlobal type }, ..] } } =>
            TorchGlobals.IsPlainTensor(type.FullName) ? null : type.FullName,
        { CallableName: "torch._utils._rebuild_wrapper_subclass", Arguments: PickleTuple { Items: [{ Node: PickleGlobal type }, ..] } } => type.FullName,
        _ => null,
    };

    /// <summary>Whether <paramref name="attributes"/> are those of a module (torch/nn/modules/module.py, <c>Module.__init__</c>).</summary>
    public static bool IsModule(PickleNode? attributes) =>
        attributes is PickleDict { Entries: var entries } && Has(entries, "_parameters") && Has(entries, "_modules");

    private OtherValueKind Of(PickleObject call)
    {
        if (SubclassOf(call) is { } subclass)
        {
            return Classes.GetValueOrDefault(LastPart(subclass), OtherValueKind.Subclass);
        }

        var arguments = (call.Arguments as PickleTuple)?.Items;
        switch (call.CallableName)
        {
            case { } maker when Makers.TryGetValue(maker, out var made):
                return made;
            case TorchGlobals.RebuildFromTypeV2 when arguments is [{ Node: PickleGlobal function }, ..]:
                return Makers.GetValueOrDefault(function.FullName, OtherValueKind.Subclass);
            case TorchGlobals.RebuildParameter or TorchGlobals.RebuildParameterWithState when arguments is [{ Node: PickleObject data }, ..]:
                return Of((PickleNode)data);
            case { } type when Classes.TryGetValue(LastPart(type), out var instance):
                return instance;
        }

        if (TorchTensor.Read(call, storages, this) is not null)
        {
            return OtherValueKind.Collection;
        }

        if (IsModule(call.State?.Node))
        {
            return OtherValueKind.Module;
        }

        var parts = OfParts(call);
        return parts == OtherValueKind.Plain && !PlainMakers.Contains(call.CallableName ?? "") ? OtherValueKind.Unknown : parts;
    }

    private OtherValueKind OfParts(PickleNode node)
    {
        var most = OtherValueKind.Plain;
        foreach (var part in Parts(node))
        {
            var kind = Of(part);
            most = kind > OtherValueKind.Unknown ? OtherValueKind.Collection : kind > most ? kind : most;
        }

        return most;
    }

    /// <summary>All that a container holds.</summary>
    public static IEnumerable<PickleNode> Parts(PickleNode node)
    {
        if (node is PickleTuple tuple)
        {
            return tuple.Items.Select(item => item.Node);
        }

        var mutable = (PickleMutable)node;
        var parts = mutable.Items.Select(item => item.Node).Concat(mutable.Entries.SelectMany(entry => new[] { entry.Key.Node, entry.Value.Node }));
        parts = mutable.State is { } state ? parts.Append(state.Node) : parts;
        return node is PickleObject { Arguments: var arguments } ? parts.Append(arguments) : parts;
    }

    /// <summary>Whether it is a list of lists of floats, by the first ones.</summary>
    private static bool IsMatrix(PickleNode node)
    {
        var row = Row(node);
        for (var rank = 1; row is { Count: > 0 } && rank <= TorchTensor.MaximumRank; rank++)
        {
            if (row[0].Node is PickleFloat)
            {
                return rank > 1;
            }

            row = Row(row[0].Node);
        }

        return false;
    }

    private static bool Has(IReadOnlyList<PickleEntry> entries, string key) => entries.Any(entry => entry.Key.Node is PickleString text && text.Text == key);

    private static IReadOnlyList<PickleItem>? Row(PickleNode node) => node switch
    {
        PickleList list => list.Items,
        PickleTuple tuple => tuple.Items,
        _ => null,
    };

    private static string LastPart(string name) => name[(name.LastIndexOf('.') + 1)..];
}
