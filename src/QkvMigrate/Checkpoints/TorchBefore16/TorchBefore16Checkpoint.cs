using System.Buffers.Binary;
using System.Numerics;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchBefore16;

/// <summary>
/// The file that <c>torch.save</c> wrote before PyTorch 1.6, and still writes with
/// <c>_use_new_zipfile_serialization=False</c> (torch/serialization.py, <c>_legacy_save</c>): pickles of a magic number, of
/// a protocol version, of the machine's type sizes, of the objects and of the list of storage keys, then the storages.
/// PyTorch writes the storages little-endian on every machine, whatever the third pickle says of its byte order.
/// </summary>
internal sealed class TorchBefore16Checkpoint : Checkpoint
{
    private const string ObjectPickle = "object";
    private const int ProtocolVersion = 1001;
    private const int LongestMagicPickle = 64;

    private static readonly BigInteger MagicNumber = BigInteger.Parse("119547037146038801333356");

    private readonly TorchPickle pickle;

    private TorchBefore16Checkpoint(
        SourceFile source, TorchPickle pickle, long objectsStart, long objectsEnd, PickleScript keys, OrderedDictionary<string, StorageEntry> storages)
        : base(source)
    {
        this.pickle = pickle;
        ObjectsStart = objectsStart;
        ObjectsEnd = objectsEnd;
        Keys = keys;
        Storages = storages;
    }

    /// <inheritdoc/>
    public override CheckpointFormat Format => CheckpointFormat.TorchLegacy;

    /// <inheritdoc/>
    internal override bool KeepsModelOrder => true;

    /// <inheritdoc/>
    public override IReadOnlyList<TensorEntry> Tensors => pickle.Tensors;

    /// <inheritdoc/>
    internal override IReadOnlySet<StorageEntry> OpaqueStorages => pickle.OpaqueStorages;

    /// <inheritdoc/>
    public override IReadOnlyList<OptimizerEntry> Optimizers => pickle.Optimizers;

    /// <inheritdoc/>
    internal override IReadOnlyList<OtherValue> OtherValues => pickle.OtherValues;

    /// <summary>The pickle of the objects.</summary>
    public PickleScript Objects => pickle.Script;

    /// <summary>Where <see cref="Objects"/> start in the file.</summary>
    public long ObjectsStart { get; }

    /// <summary>Where what is behind <see cref="Objects"/> starts in the file.</summary>
    public long ObjectsEnd { get; }

    /// <summary>The list of storage keys, which stands at <see cref="ObjectsEnd"/>.</summary>
    public PickleScript Keys { get; }

    /// <summary>The storages, in the order of the file, each behind the number of its elements.</summary>
    public OrderedDictionary<string, StorageEntry> Storages { get; }

    /// <inheritdoc/>
    internal override bool TakesSplits => true;

    /// <summary>Whether the file starts with a pickle of the magic number, in whatever protocol.</summary>
    public static bool Matches(SourceFile source)
    {
        var start = source.Read(0, (int)Math.Min(source.Length, LongestMagicPickle));
        if (start is not [(byte)PickleOpcode.Proto or (byte)PickleOpcode.Long, ..])
        {
            return false;
        }

        try
        {
            return PickleMachine.Run(start).Root.Node is PickleBigInteger { Value: var value } && value == MagicNumber;
        }
        catch (MigrationException)
        {
            return false;
        }
    }

    /// <summary>Reads the file's pickles and the sizes of its storages.</summary>
    public static TorchBefore16Checkpoint Open(SourceFile source)
    {
        var pickles = new PickleSequence(source);
        pickles.Next("magic number");
        if (pickles.Next("protocol version").Root.Node is not PickleInteger { Value: ProtocolVersion })
        {
            throw new MigrationException(FailureKind.Unsupported, $"expected the protocol version {ProtocolVersion}", where: "protocol version pickle");
        }

        pickles.Next("system information");
        var start = pickles.Position;
        var objects = pickles.Next(ObjectPickle);
        var end = pickles.Position;
        var keys = pickles.Next("storage keys");
        try
        {
            var storages = TorchBefore16Storages.Find(source, objects, keys, pickles.Position);
            return new TorchBefore16Checkpoint(source, new TorchPickle(objects, key => storages.GetValueOrDefault(key)), start, end, keys.Script, storages);
        }
        catch (MigrationException error) when (error.Where == "pickle")
        {
            throw PickleSequence.Locate(error, ObjectPickle, start);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<GlobalUse> Globals => pickle.Globals("objects");

    /// <inheritdoc/>
    internal override FilePlan Rewrite(CheckpointEdit edit)
    {
        var builder = new FilePlanBuilder();
        builder.Copy(Source, 0, ObjectsStart);
        var splits = edit.Splits.Zip(NewKeys(), (split, key) => new KeyedSplit(split, key)).ToList();
        if (pickle.Edit(edit.Renames, [], splits) is { } edited)
        {
            builder.Literal(edited);
        }
        else
        {
            builder.Copy(Source, ObjectsStart, ObjectsEnd - ObjectsStart);
        }

        if (splits.Count == 0)
        {
            StorageLayout.LayDown(builder, Source, ObjectsEnd, Source.Length, edit.Reorders);
        }
        else
        {
            LayDownStorages(builder, splits, edit.Reorders);
        }

        return builder.Build();
    }

    /// <summary>Lays down the list of keys and the storages, without those that all of their tensors leave, and with the new ones behind them.</summary>
    private void LayDownStorages(FilePlanBuilder builder, List<KeyedSplit> splits, IReadOnlyList<BlockReorder> reorders)
    {
        var removed = pickle.Abandoned([.. splits.Select(split => split.Split)]).Select(storage => storage.Key).ToHashSet();
        builder.Literal(StorageKeyList.Edit(Keys, removed, [.. splits.Select(split => split.Key)]));
        var blocks = reorders.ToLookup(block => block.Storage.Key);
        foreach (var storage in Storages.Values.Where(storage => !removed.Contains(storage.Key)))
        {
            builder.Copy(Source, storage.Offset - TorchBefore16Storages.CountBytes, TorchBefore16Storages.CountBytes);
            StorageLayout.LayDown(builder, storage, [.. blocks[storage.Key].OrderBy(block => block.Offset)]);
        }

        foreach (var split in splits)
        {
            builder.Literal(BitConverter.GetBytes(split.Split.View.Extent / ItemSize(split.Split.View.Storage)));
            split.Split.LayDown(builder);
        }
    }

    /// <summary>Bytes of an element of a storage that has some; the class says so too by which the pickle names it.</summary>
    private long ItemSize(StorageEntry storage)
    {
        var count = Source.Read(storage.Offset - TorchBefore16Storages.CountBytes, TorchBefore16Storages.CountBytes);
        return storage.Length / BinaryPrimitives.ReadInt64LittleEndian(count);
    }

    /// <summary>Keys that no storage has; PyTorch takes any strings.</summary>
    private IEnumerable<string> NewKeys() =>
        Enumerable.Range(Storages.Count, int.MaxValue - Storages.Count).Select(key => key.ToString()).Where(key => !Storages.ContainsKey(key));
}
