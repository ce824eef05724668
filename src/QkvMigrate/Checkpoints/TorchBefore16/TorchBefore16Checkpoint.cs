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
    private TorchBefore16Checkpoint(SourceFile source, TorchPickle pickle, long objectsStart, long objectsEnd)
        : base(source)
    {
        this.pickle = pickle;
        ObjectsStart = objectsStart;
        ObjectsEnd = objectsEnd;
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
            return new TorchBefore16Checkpoint(source, new TorchPickle(objects, storages.GetValueOrDefault), start, end);
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
        if (pickle.Edit(edit.Renames, [], []) is { } edited)
        {
            builder.Literal(edited);
        }
        else
        {
            builder.Copy(Source, ObjectsStart, ObjectsEnd - ObjectsStart);
        }

        StorageLayout.LayDown(builder, Source, ObjectsEnd, Source.Length, edit.Reorders);
        return builder.Build();
    }
}
