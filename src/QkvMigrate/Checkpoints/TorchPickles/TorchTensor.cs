using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Where the numbers of a tensor stand in its pickle, and the count of elements of the storage that it names.</summary>
internal sealed record TorchTensorPlaces(PickleItem Count, PickleItem Offset, IReadOnlyList<PickleItem> Shape, IReadOnlyList<PickleItem> Strides);

/// <summary>Where a tensor stands in a container of its pickle.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Key">Its key, or null in a list or tuple.</param>
/// <param name="Value">The tensor, or what wraps it, and the instruction that put it here.</param>
internal sealed record TorchTensorUse(TorchTensor Tensor, PickleItem? Key, PickleItem Value);

/// <summary>A strided view of a storage, as a call of <c>_rebuild_tensor_v2</c> and its kin describes it.</summary>
internal sealed record TorchTensor(
    TorchStorage Storage,
    DType DType,
    long Offset,
    IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides,
    PicklePersistent Persistent,
    PickleItem[] Arguments)
{
    private const int OffsetIndex = 1;
    private const int ShapeIndex = 2;
    private const int StridesIndex = 3;

    /// <summary>What more there is to it (<see cref="TensorEntry.Peculiarity"/>).</summary>
    public string? Peculiarity { get; init; }

    /// <summary>Where its numbers stand, for the few who change them.</summary>
    public TorchTensorPlaces Places => new(
        ((PickleTuple)Persistent.Id.Node).Items[TorchStorages.CountIndex],
        Arguments[OffsetIndex],
        Items(Persistent.Offset, Arguments[ShapeIndex].Node, "size"),
        Items(Persistent.Offset, Arguments[StridesIndex].Node, "stride"));

    /// <summary>The most dimensions that PyTorch gives a tensor (c10/util/DimVector.h and at::MAX_DIMS are smaller).</summary>
    public const int MaximumRank = 64;

    /// <summary>Reads <paramref name="node"/> where it is a tensor, a parameter or a subclass of one; null where it is none.</summary>
    /// <exception cref="MigrationException">It is one, but reaches out of its storage or has numbers that fit no tensor.</exception>
    public static TorchTensor? Read(PickleNode node, TorchStorages storages, TorchValueKinds kinds)
    {
        // A parameter wraps a tensor, a subclass wraps a parameter's call or a tensor's: no real nesting is deeper.
        string? peculiarity = null;
        for (var depth = 0; depth < 8 && node is PickleObject { Arguments: PickleTuple { Items: var arguments } } call; depth++)
        {
            peculiarity ??= PeculiarityOf(call, arguments, kinds);
            switch (call.CallableName)
            {
                case TorchGlobals.RebuildParameter or TorchGlobals.RebuildParameterWithState when arguments.Length >= 1:
                    node = arguments[0].Node;
                    break;
                case TorchGlobals.RebuildFromTypeV2
                    when arguments is [{ Node: PickleGlobal function }, _, { Node: PickleTuple inner }, ..] && TorchGlobals.IsStrided(function.FullName):
                    return Strided(call, function.FullName, inner.Items, storages, peculiarity);
                case { } name when TorchGlobals.IsStrided(name):
                    return Strided(call, name, arguments, storages, peculiarity);
                default:
                    return null;
            }
        }

        return null;
    }

    /// <summary>What a call adds to the numbers of the tensor that it makes, or null.</summary>
    private static string? PeculiarityOf(PickleObject call, PickleItem[] arguments, TorchValueKinds kinds)
    {
        if (TorchValueKinds.SubclassOf(call) is { } subclass)
        {
            return $"a tensor of the class {subclass}";
        }

        var hasState = call.CallableName is TorchGlobals.RebuildFromTypeV2 or TorchGlobals.RebuildParameterWithState && arguments.Length > 3;
        var attributes = hasState ? arguments[3].Node : null;
        return call.State is not null ? "a tensor with a state of its own"
            : attributes is PickleContainer && kinds.Of(attributes) > OtherValueKind.Unknown ? "a tensor with tensors among its attributes"
            : null;
    }

    private static TorchTensor Strided(PickleObject call, string function, PickleItem[] arguments, TorchStorages storages, string? peculiarity)
    {
        var at = call.Offset;
        if (arguments.Length < 4
            || arguments[0].Node is not PicklePersistent persistent
            || arguments[OffsetIndex].Node is not PickleInteger { Value: >= 0 and var offset })
        {
            throw PickleFailure.At(at, $"{function} without a storage and an offset");
        }

        var storage = storages.Read(persistent);
        var sizeItems = Items(at, arguments[ShapeIndex].Node, "size");
        var strideItems = Items(at, arguments[StridesIndex].Node, "stride");
        var shape = Numbers(at, sizeItems, "size");
        var strides = Numbers(at, strideItems, "stride");
        if (shape.Length != strides.Length)
        {
            throw PickleFailure.At(at, $"a tensor of {shape.Length} sizes and {strides.Length} strides");
        }

        var dtype = storage.DType;
        if (function == TorchGlobals.RebuildTensorV3)
        {
            dtype = (arguments.Length > 6 ? TorchGlobals.TensorType(arguments[6].Node) : null)
                ?? throw new MigrationException(FailureKind.Unsupported, "a tensor of a dtype that this tool does not know", where: "pickle", offset: at);
        }

        return Fits(at, new TorchTensor(storage, dtype, offset, shape, strides, persistent, arguments) { Peculiarity = peculiarity });
    }

    private static TorchTensor Fits(int at, TorchTensor tensor)
    {
        var available = (Int128)tensor.Storage.ElementCount * tensor.Storage.DType.ItemSize;
        Int128 last = tensor.Offset;
        Int128 count = 1;
        for (var i = 0; i < tensor.Shape.Count; i++)
        {
            count *= tensor.Shape[i];
            last += (Int128)Math.Max(tensor.Shape[i] - 1, 0) * tensor.Strides[i];
            if (count > long.MaxValue || last > long.MaxValue)
            {
                throw PickleFailure.At(at, $"a tensor of shape {Tuple(tensor.Shape)} and strides {Tuple(tensor.Strides)}, which no file can hold");
            }
        }

        return count == 0 || (last + 1) * tensor.DType.ItemSize <= available
            ? tensor
            : throw PickleFailure.At(
                at,
                $"a tensor of shape {Tuple(tensor.Shape)}, strides {Tuple(tensor.Strides)} and offset {tensor.Offset} "
                + $"reaches out of storage {tensor.Storage.Entry.Key}, which has {available} bytes");
    }

    /// <summary>A tuple of sizes or strides; <c>torch.Size</c> pickles as a call with such a tuple.</summary>
    private static PickleItem[] Items(int at, PickleNode node, string what)
    {
        if (node is PickleObject { CallableName: "torch.Size", Arguments: PickleTuple { Items: [{ Node: var inner }] } })
        {
            node = inner;
        }

        return node is PickleTuple { Items: { Length: <= MaximumRank } items }
            ? items
            : throw PickleFailure.At(at, $"a tensor whose {what} is no tuple of at most {MaximumRank} ints");
    }

    private static long[] Numbers(int at, PickleItem[] items, string what)
    {
        var numbers = new long[items.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = items[i].Node is PickleInteger { Value: >= 0 and var value }
                ? value
                : throw PickleFailure.At(at, $"a tensor whose {what} has something else than an int from 0 on");
        }

        return numbers;
    }

    private static string Tuple(IReadOnlyList<long> numbers) => $"({string.Join(", ", numbers)})";
}
