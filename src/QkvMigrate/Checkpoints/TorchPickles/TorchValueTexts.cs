using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Says in words what a value is that is no strided tensor: its class, and its shape where it can be read.</summary>
internal sealed class TorchValueTexts(TorchStorages storages, TorchValueKinds kinds)
{
    /// <summary>Values that are looked at in search of a shape.</summary>
    private const int MaximumSteps = 200;

    /// <summary>Shapes that are written out.</summary>
    private const int MaximumShapes = 4;

    /// <summary>Describes <paramref name="node"/>, which is of the kind <paramref name="kind"/>.</summary>
    public string Of(PickleNode node, OtherValueKind kind)
    {
        var call = Unwrapped(node);
        return kind switch
        {
            OtherValueKind.Meta => $"a meta tensor{Shape(Argument(call, 1))}",
            OtherValueKind.Device => $"a tensor of another device ({call?.CallableName}){ArrayShape(Argument(call, 0))}",
            OtherValueKind.Sharded => $"a part of a tensor ({Class(call)}), {ShardShapes(call!)}",
            OtherValueKind.Sparse => $"a sparse tensor{Shape(SparseShape(call))}",
            OtherValueKind.Quantized => $"a quantized tensor{Shape(Argument(call, 2))}",
            OtherValueKind.Subclass => $"a tensor of the class {Class(call)}{Shape(SubclassShape(call))}",
            OtherValueKind.Array => $"a numpy array{ArrayShape(call)}",
            OtherValueKind.Reference => $"a reference to a tensor in another file ({Class(call)})",
            OtherValueKind.Module => $"a whole module ({Class(call)})",
            OtherValueKind.Bytes => "bytes or a storage without a shape",
            OtherValueKind.Unknown => node is PickleObject ? $"an object ({Class(call)})" : $"{Plain(node)} with an object in it",
            OtherValueKind.Collection => node is PickleObject other ? $"an object ({Class(other)}) with tensors in it" : $"{Plain(node)} with tensors in it",
            _ => Plain(node),
        };
    }

    /// <summary>The sizes of a node of a kind that keeps a tensor's numbers in its own way; null where it is of another kind, or says none.</summary>
    public static IReadOnlyList<long>? SizesOf(PickleNode node, OtherValueKind kind)
    {
        var call = Unwrapped(node);
        return Numbers(kind switch
        {
            OtherValueKind.Sparse => SparseShape(call),
            OtherValueKind.Quantized or OtherValueKind.Subclass => Argument(call, 2),
            OtherValueKind.Array => ArraySizes(call),
            _ => null,
        });
    }

    /// <summary>
    /// Whether the numbers of a node may be floats: a numpy array says what they are, <c>numpy.dtype('i8')</c>. Types that numpy does
    /// not know, bfloat16 among them, may be.
    /// </summary>
    public static bool MayBeFloats(PickleNode node, OtherValueKind kind)
    {
        if (kind != OtherValueKind.Array)
        {
            return true;
        }

        var call = Unwrapped(node);
        var dtype = call is { State.Node: PickleTuple { Items: [_, _, { Node: var stated }, ..] } } ? stated : Argument(call, 1);
        return dtype is not PickleObject { CallableName: "numpy.dtype", Arguments: PickleTuple { Items: [{ Node: PickleString { Text: var code } }, ..] } }
            || code is not (['i' or 'u' or 'b' or 'c' or 'S' or 'U' or 'M' or 'm', ..]);
    }

    private static string Plain(PickleNode node) => node switch
    {
        PickleNone => "None",
        PickleBoolean => "a bool",
        PickleInteger or PickleBigInteger or PickleFloat => "a number",
        PickleString => "a string",
        PickleGlobal => "the name of a class or function",
        PickleList list => $"a list of {list.Items.Count}",
        PickleTuple tuple => $"a tuple of {tuple.Items.Length}",
        PickleSet set => $"a set of {set.Items.Count}",
        PickleDict dict => $"a dict of {dict.Entries.Count}",
        PickleObject call => $"a value ({call.CallableName})",
        _ => "a value",
    };

    /// <summary>What a parameter wraps.</summary>
    private static PickleObject? Unwrapped(PickleNode node)
    {
        while (node is PickleObject { CallableName: TorchGlobals.RebuildParameter or TorchGlobals.RebuildParameterWithState } parameter
            && parameter.Arguments is PickleTuple { Items: [{ Node: PickleObject data }, ..] })
        {
            node = data;
        }

        // A subclass of Tensor hands the arguments of the function on.
        return node as PickleObject;
    }

    /// <summary>The shape is the last of the values that a sparse tensor is made of; newer files have a bool behind it.</summary>
    private static PickleNode? SparseShape(PickleObject? call)
    {
        if ((Argument(call, 1) as PickleTuple)?.Items is not { Length: > 2 } data)
        {
            return null;
        }

        return data[^1].Node is PickleBoolean ? data[^2].Node : data[^1].Node;
    }

    private static string Class(PickleObject? call) =>
        (call is null ? null : TorchValueKinds.SubclassOf(call) ?? call.CallableName) ?? "of no name";

    /// <summary>An argument of what makes a tensor, which a subclass of Tensor hands on in a tuple.</summary>
    private static PickleNode? Argument(PickleObject? call, int index)
    {
        var arguments = (call?.Arguments as PickleTuple)?.Items ?? [];
        if (call?.CallableName == TorchGlobals.RebuildFromTypeV2)
        {
            arguments = arguments is [_, _, { Node: PickleTuple inner }, ..] ? inner.Items : [];
        }

        return index < arguments.Length ? arguments[index].Node : null;
    }

    /// <summary>The size that a wrapper subclass is made with: <c>(class, dtype, size, ...)</c>; others are views like any tensor.</summary>
    private static PickleNode? SubclassShape(PickleObject? call) => Argument(call, 2);

    /// <summary>numpy's state: <c>(version, shape, dtype, is_fortran, data)</c>.</summary>
    private static string ArrayShape(PickleNode? node) => Shape(ArraySizes(node));

    /// <summary>Protocol 5 has no state: <c>_frombuffer(buffer, dtype, shape, order)</c>.</summary>
    private static PickleNode? ArraySizes(PickleNode? node) =>
        node is PickleObject { State.Node: PickleTuple { Items: [_, { Node: var shape }, ..] } } ? shape : Argument(node as PickleObject, 2);

    private static string Shape(PickleNode? node) => Sizes(node) is { } sizes ? $" of shape {sizes}" : "";

    private static string? Sizes(PickleNode? node) => Numbers(node) is { } numbers ? $"({string.Join(", ", numbers)})" : null;

    private static IReadOnlyList<long>? Numbers(PickleNode? node)
    {
        var items = node switch
        {
            PickleObject { CallableName: "torch.Size", Arguments: PickleTuple { Items: [{ Node: PickleTuple size }] } } => size.Items,
            PickleTuple tuple => tuple.Items,
            PickleList list => list.Items,
            _ => null,
        };
        return items is { Count: <= TorchTensor.MaximumRank } && items.All(item => item.Node is PickleInteger)
            ? [.. items.Select(item => ((PickleInteger)item.Node).Value)]
            : null;
    }

    /// <summary>
    /// The global shape: <c>ShardedTensorMetadata.size</c> (torch/distributed/_shard/sharded_tensor/metadata.py), or the size
    /// of the wrapper that a DTensor is. The local ones: of the tensors in it.
    /// </summary>
    private static PickleNode? ValueOf(PickleMutable node, string key) =>
        node.Entries.FirstOrDefault(entry => entry.Key.Node is PickleString text && text.Text == key).Value.Node;

    private string ShardShapes(PickleObject shard)
    {
        var global = TorchValueKinds.SubclassOf(shard) is null ? null : Sizes(SubclassShape(shard));
        var local = new List<string>();
        var seen = new HashSet<PickleNode>();
        var pending = new Queue<PickleNode>([shard]);
        while (pending.TryDequeue(out var node) && seen.Count < MaximumSteps)
        {
            if (node is not PickleContainer || !seen.Add(node))
            {
                continue;
            }

            if (node is PickleObject call && TorchTensor.Read(call, storages, kinds) is { } tensor)
            {
                local.Add($"({string.Join(", ", tensor.Shape)})");
                continue;
            }

            global ??= node is PickleMutable mutable ? Sizes(ValueOf(mutable, "size")) : null;
            foreach (var part in TorchValueKinds.Parts(node))
            {
                pending.Enqueue(part);
            }
        }

        var locals = local.Count > MaximumShapes ? $"{string.Join(", ", local.Take(MaximumShapes))}, ..." : string.Join(", ", local);
        return $"global shape {global ?? "not said in the file"}, local shape {(local.Count > 0 ? locals : "not said in the file")}";
    }
}
