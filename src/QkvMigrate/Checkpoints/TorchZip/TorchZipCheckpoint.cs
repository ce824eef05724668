using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The zip that <c>torch.save</c> writes (torch/serialization.py, <c>_save</c>; caffe2/serialize/inline_container.cc):
/// <c>STEM/data.pkl</c> holds the objects, <c>STEM/data/KEY</c> the bytes of each storage, in any order.
/// </summary>
internal sealed class TorchZipCheckpoint : Checkpoint
{
    private readonly string stem;
    private readonly TorchPickle pickle;
    private readonly int alignment;
    private readonly IReadOnlyList<ZipEntry> removed = [];
    private readonly bool isPickleNew;
    private IReadOnlyList<ZipEntry>? others;
    private IReadOnlyList<GlobalUse>? globals;
    private IReadOnlyList<ZipEntry>? unreferenced;

    private TorchZipCheckpoint(SourceFile source, ZipDirectory directory, string stem)
        : base(source)
    {
        Directory = directory;
        this.stem = stem;
        PickleEntry = directory.ByName.GetValueOrDefault($"{stem}/data.pkl") ?? throw NoPickle(stem);
        var scriptConstants = $"{stem}/constants.pkl";
        if (directory.ByName.ContainsKey(scriptConstants))
        {
            throw new MigrationException(FailureKind.Unsupported, "this is a TorchScript archive, not a state dict", where: ZipFailure.Place(scriptConstants));
        }

        alignment = TorchZipRecords.ReadAlignment(directory, stem);
        pickle = TorchZipRecords.ReadPickle(directory, PickleEntry, FindStorage);
    }

    /// <summary>What is left of <paramref name="whole"/> when its pickle is replaced.</summary>
    private TorchZipCheckpoint(TorchZipCheckpoint whole, PickleDocument rest)
        : base(whole.Source)
    {
        Directory = whole.Directory;
        stem = whole.stem;
        alignment = whole.alignment;
        PickleEntry = whole.PickleEntry;
        pickle = new TorchPickle(rest, FindStorage);
        removed = [.. whole.removed, .. whole.pickle.Storages.Select(EntryOf).Except(pickle.Storages.Select(EntryOf))];
        isPickleNew = true;
    }

    /// <summary>What is left of <paramref name="whole"/> without storages that its pickle does not name.</summary>
    private TorchZipCheckpoint(TorchZipCheckpoint whole, IReadOnlyList<ZipEntry> gone)
        : base(whole.Source)
    {
        Directory = whole.Directory;
        stem = whole.stem;
        alignment = whole.alignment;
        PickleEntry = whole.PickleEntry;
        pickle = whole.pickle;
        removed = [.. whole.removed, .. gone];
        isPickleNew = whole.isPickleNew;
    }

    /// <inheritdoc/>
    public override CheckpointFormat Format => CheckpointFormat.TorchZip;

    /// <inheritdoc/>
    internal override bool KeepsModelOrder => true;

    /// <inheritdoc/>
    public override IReadOnlyList<TensorEntry> Tensors => pickle.Tensors;

    /// <inheritdoc/>
    internal override IReadOnlySet<StorageEntry> OpaqueStorages => pickle.OpaqueStorages;

    /// <summary>
    /// Whether the file starts with a zip entry of a name that PyTorch's writer uses: <c>data.pkl</c>, a storage, or one of
    /// the small records (<c>version</c>, <c>byteorder</c>, <c>.format_version</c>, ...), within a folder.
    /// </summary>
    public static bool Matches(SourceFile source)
    {
        if (source.Length < ZipFormat.LocalHeaderLength)
        {
            return false;
        }

        var header = source.Read(0, ZipFormat.LocalHeaderLength).AsSpan();
        var length = BinaryPrimitives.ReadUInt16LittleEndian(header[ZipFormat.LocalNameLength..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != ZipFormat.LocalHeaderSignature || length > source.Length - ZipFormat.LocalHeaderLength)
        {
            return false;
        }

        var name = Encoding.UTF8.GetString(source.Read(ZipFormat.LocalHeaderLength, length));
        var folder = name.IndexOf('/', StringComparison.Ordinal);
        var record = name[(folder + 1)..];
        return folder > 0
            && (record is "data.pkl" or "version" or "byteorder" || record.StartsWith('.') || record.StartsWith("data/", StringComparison.Ordinal));
    }

    /// <summary>Reads the zip's directory and its pickle.</summary>
    public static TorchZipCheckpoint Open(SourceFile source)
    {
        var zip = ZipDirectory.Read(source);
        if (zip.Listed.Count == 0)
        {
            throw ZipFailure.Directory(0, "the zip has no entries");
        }

        // All of PyTorch's records are in one folder, named in the archive's first one (inline_container.cc, PyTorchStreamReader::init).
        var first = zip.Listed[0].Name;
        return new TorchZipCheckpoint(source, zip, first[..Math.Max(first.IndexOf('/', StringComparison.Ordinal), 0)]);
    }

    /// <summary>The zip's entries.</summary>
    public ZipDirectory Directory { get; }

    /// <summary>The entry of <c>data.pkl</c>.</summary>
    public ZipEntry PickleEntry { get; }

    /// <summary>What <c>data.pkl</c> holds.</summary>
    public PickleScript Pickle => pickle.Script;

    /// <inheritdoc/>
    public override IReadOnlyList<OptimizerEntry> Optimizers => pickle.Optimizers;

    /// <inheritdoc/>
    internal override IReadOnlyList<OtherValue> OtherValues => pickle.OtherValues;

    /// <inheritdoc/>
    internal override bool TakesReplacements => true;

    /// <inheritdoc/>
    internal override bool TakesSplits => true;

    /// <inheritdoc/>
    public override IReadOnlyList<GlobalUse> Globals => globals ??= [.. pickle.Globals(PickleEntry.Name), .. OtherEntries.SelectMany(StrayPickle)];

    /// <summary>What is neither the pickle nor a storage of it.</summary>
    private IReadOnlyList<ZipEntry> OtherEntries => others ??= [.. Directory.Entries.Except([PickleEntry, .. pickle.Storages.Select(EntryOf), .. removed])];

    /// <summary>What an entry that is neither the pickle nor a storage names, where it is a pickle. PyTorch reads none such.</summary>
    private IReadOnlyList<GlobalUse> StrayPickle(ZipEntry entry)
    {
        var head = Source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.HeadLength));
        return NestedPickles.MayStart(head)
            ? PicklePolicy.ExamineBytes(Source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.MaximumLength)), entry.Name)
            : [];
    }

    /// <inheritdoc/>
    internal override Checkpoint Without(IReadOnlyList<OptimizerEntry> optimizers, IReadOnlyList<TensorEntry> tensors) =>
        new TorchZipCheckpoint(this, pickle.Without(optimizers, tensors));

    /// <inheritdoc/>
    public override UnreferencedRecords Unreferenced => new(UnreferencedEntries.Count, UnreferencedEntries.Sum(entry => entry.Size));

    /// <inheritdoc/>
    internal override Checkpoint WithoutUnreferenced() => new TorchZipCheckpoint(this, UnreferencedEntries);

    private IReadOnlyList<ZipEntry> UnreferencedEntries =>
        unreferenced ??= TorchZip.UnreferencedEntries.Find(Source, OtherEntries, NameOf(""), pickle.Script);

    /// <inheritdoc/>
    internal override void CheckSum(StorageEntry storage, CancellationToken cancellation) => TorchZipRecords.CheckSum(Source, EntryOf(storage), cancellation);

    /// <inheritdoc/>
    internal override FilePlan Rewrite(CheckpointEdit edit)
    {
        var changes = new ZipChanges();
        changes.Removed.UnionWith(removed);
        var splits = edit.Splits.Zip(NewKeys(), (split, key) => new KeyedSplit(split, key)).ToList();
        var edited = pickle.Edit(edit.Renames, edit.Replacements, splits);
        if (edited is not null || isPickleNew)
        {
            var bytes = edited is null ? pickle.Script.Bytes : edited;
            changes.Contents.Add(PickleEntry, new ZipContent(bytes.Length, Crc32.HashToUInt32(bytes.Span), builder => builder.Literal(bytes)));
        }

        foreach (var group in edit.Reorders.GroupBy(reorder => reorder.Storage))
        {
            var storage = group.Key;
            var blocks = group.OrderBy(block => block.Offset).ToList();
            var content = new ZipContent(storage.Length, null, builder => StorageLayout.LayDown(builder, storage, blocks)) { IsPermutation = true };
            changes.Contents.Add(EntryOf(storage), content);
        }

        foreach (var replacement in edit.Replacements)
        {
            changes.Contents.Add(EntryOf(replacement.Storage), new ZipContent(replacement.Bytes.Length, null, builder => builder.Computed(replacement.Bytes)));
        }

        foreach (var split in splits)
        {
            var content = new ZipContent(split.Split.View.Extent, null, split.Split.LayDown);
            changes.Added.Add((EntryOf(split.Split.View.Storage).Like(NameOf(split.Key)), content));
        }

        changes.Removed.UnionWith(pickle.Abandoned(edit.Splits).Select(EntryOf));
        return ZipRewriter.Rewrite(Directory, changes, alignment);
    }

    /// <summary>Keys of storages that no entry has: <c>torch.save</c> numbers them from 0 on.</summary>
    private IEnumerable<string> NewKeys()
    {
        for (var key = (long)Directory.Entries.Count; ; key++)
        {
            if (!Directory.ByName.ContainsKey(NameOf(key.ToString())))
            {
                yield return key.ToString();
            }
        }
    }

    private ZipEntry EntryOf(StorageEntry storage) => Directory.ByName[NameOf(storage.Key)];

    private string NameOf(string key) => $"{stem}/data/{key}";

    private StorageEntry? FindStorage(string key) =>
        Directory.ByName.GetValueOrDefault(NameOf(key)) is { } entry ? new StorageEntry(Source, key, entry.DataOffset, entry.Size) : null;

    private static MigrationException NoPickle(string stem)
    {
        const string reason = "it is no checkpoint, or saving it was interrupted (incremental_save writes that entry last)";
        return new MigrationException(FailureKind.Malformed, $"the zip has no {stem}/data.pkl: {reason}", where: ZipFailure.DirectoryPlace);
    }
}
