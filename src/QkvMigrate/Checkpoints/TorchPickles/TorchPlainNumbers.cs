using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>Numbers that a pickle holds without a tensor around them: lists of numbers, as <c>tolist()</c> makes them, bytes, storages.</summary>
internal static class TorchPlainNumbers
{
    /// <summary>Lists within lists that are looked at: a stack of fused matrices has three dimensions, one that is cut into heads four.</summary>
    private const int MostDimensions = 4;

    /// <summary>Fewer numbers than a fused matrix has rows, or its bytes: tuples of coordinates, tokens of a vocabulary. There may be many.</summary>
    private const int FewestNumbers = 16;
    private const int FewestBytes = 64;

    /// <summary>Whether the first item of a list, or of lists within one, is a number, and there can be more than a few of them.</summary>
    public static bool StartWithNumber(PickleNode node)
    {
        var items = Items(node);
        for (var dimensions = 0; items is { Count: > 0 } && dimensions < MostDimensions; dimensions++)
        {
            if (items[0].Node is PickleFloat or PickleInteger or PickleBoolean)
            {
                return dimensions > 0 || items.Count >= FewestNumbers;
            }

            items = Items(items[0].Node);
        }

        return false;
    }

    /// <summary>
    /// The sizes of lists of numbers, all of one length at each level as far as the first ones say, and whether they are floats; null
    /// for anything else, and for a few numbers. Takes as many steps as a list at each level has items.
    /// </summary>
    public static (IReadOnlyList<long> Sizes, bool AreFloats)? SizesOf(PickleNode node)
    {
        var sizes = new List<long>();
        var count = 1L;
        for (var items = Items(node); items is { Count: > 0 } && sizes.Count < MostDimensions;)
        {
            sizes.Add(items.Count);
            count *= items.Count;
            if (Items(items[0].Node) is { } first)
            {
                if (items.Any(item => Items(item.Node)?.Count != first.Count))
                {
                    return null;
                }

                items = first;
                continue;
            }

            // A row of ints is a list of numbers of something: parameters, tokens, steps.
            var areFloats = items.Any(item => item.Node is PickleFloat);
            return count >= FewestNumbers && (areFloats || sizes.Count > 1) && items.All(item => item.Node is PickleFloat or PickleInteger or PickleBoolean)
                ? (sizes, areFloats)
                : null;
        }

        return null;
    }

    /// <summary>How many bytes a bytes object, a bytearray or a storage has; null for anything else, and for a few bytes.</summary>
    public static long? BytesOf(PickleNode node, TorchStorages storages)
    {
        var length = node switch
        {
            PickleBytes bytes => bytes.Length,
            PicklePersistent persistent => storages.Read(persistent) is var storage ? storage.ElementCount * storage.DType.ItemSize : 0,
            PickleObject
            {
                CallableName: "builtins.bytearray" or "__builtin__.bytearray",
                Arguments: PickleTuple { Items: [{ Node: var content }, ..] },
            }
                => Written(content),
            _ => Written(node),
        };
        return length >= FewestBytes ? length : null;
    }

    /// <summary>Bytes as protocols without them write them: <c>_codecs.encode(text, 'latin1')</c>, each byte a character.</summary>
    private static long Written(PickleNode node) => node switch
    {
        PickleBytes bytes => bytes.Length,
        PickleObject { CallableName: "_codecs.encode", Arguments: PickleTuple { Items: [{ Node: PickleString text }, ..] } } => text.Text.Length,
        _ => 0,
    };

    private static IReadOnlyList<PickleItem>? Items(PickleNode node) => node switch
    {
        PickleList list => list.Items,
        PickleTuple tuple => tuple.Items,
        _ => null,
    };
}
