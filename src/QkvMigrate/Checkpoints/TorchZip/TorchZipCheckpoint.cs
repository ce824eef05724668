using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Pickling;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints.TorchZip;

/// <summary>
/// The zip that <c>torch.save</c> writes (torch/serialization.py, <c>_save</c>; caffe2/serialize/inline_container.cc):
/// <c>STEM/data.pkl</c> holds the objects, <c>STEM/data/KEY</c> the bytes of each storage, in any order.
/// </summary>
internal sealed class TorchZipCheckpoint : Checkpoint
{
    private readonly ZipDirectory directory;
    private readonly ZipEntry pickleEntry;
    private readonly TorchPickle pickle;
    private readonly Dictionary<StorageEntry, ZipEntry> storageEntries;
    private readonly int alignment;
    private IReadOnlyList<GlobalUse>? globals;

    private TorchZipCheckpoint(SourceFile source, ZipDirectory directory, string stem)
        : base(source)
    {
        this.directory = directory;
        if (!directory.ByName.TryGetValue($"{stem}/data.pkl", out pickleEntry!))
        {
            throw new MigrationException(FailureKind.Malformed, $"the zip has no {stem}/data.pkl: it is no checkpoint, or saving it was interrupted (incremental_save writes that entry last)", where: "zip directory");
        }

        if (directory.ByName.ContainsKey($"{stem}/constants.pkl"))
        {
            throw new MigrationException(FailureKind.Unsupported, "this is a TorchScript archive, not a state dict", where: $"zip entry '{stem}/constants.pkl'");
        }

        alignment = ReadAlignment(source, directory, stem);
        pickle = ReadPickle(source, pickleEntry, key => directory.ByName.GetValueOrDefault($"{stem}/data/{key}") is { } entry
            ? new StorageEntry(key, entry.DataOffset, entry.Size)
            : null);
        storageEntries = pickle.Storages.ToDictionary(storage => storage, storage => directory.ByName[$"{stem}/data/{storage.Key}"]);
    }

    /// <inheritdoc/>
    public override CheckpointFormat Format => CheckpointFormat.TorchZip;

    /// <inheritdoc/>
    public override IReadOnlyList<TensorEntry> Tensors => pickle.Tensors;

    /// <inheritdoc/>
    public override IReadOnlySet<StorageEntry> OpaqueStorages => pickle.OpaqueStorages;

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
        return folder > 0 && (record is "data.pkl" or "version" or "byteorder" || record.StartsWith('.') || record.StartsWith("data/", StringComparison.Ordinal));
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

    /// <inheritdoc/>
    public override IReadOnlyList<OptimizerEntry> Optimizers => pickle.Optimizers;

    /// <inheritdoc/>
    public override bool TakesReplacements => true;

    /// <inheritdoc/>
    public override IReadOnlyList<GlobalUse> Globals =>
        globals ??= [.. pickle.Globals(pickleEntry.Name), .. directory.Entries.Except([pickleEntry, .. storageEntries.Values]).SelectMany(StrayPickle)];

    /// <summary>What an entry that is neither the pickle nor a storage names, where it is a pickle. PyTorch reads none such.</summary>
    private IReadOnlyList<GlobalUse> StrayPickle(ZipEntry entry)
    {
        var head = Source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.HeadLength));
        return NestedPickles.MayStart(head)
            ? PicklePolicy.ExamineBytes(Source.Read(entry.DataOffset, (int)Math.Min(entry.Size, NestedPickles.MaximumLength)), entry.Name)
            : [];
    }

    /// <inheritdoc/>
    public override FileLayout Rewrite(CheckpointEdit edit)
    {
        var contents = new Dictionary<ZipEntry, ZipContent>();
        var edited = pickle.Edit(edit.Renames, edit.Replacements);
        if (edited is not null)
        {
            contents.Add(pickleEntry, new ZipContent(edited.Length, Crc32.HashToUInt32(edited), builder => builder.Literal(edited)));
        }

        foreach (var group in edit.Reorders.GroupBy(reorder => reorder.Storage))
        {
            var storage = group.Key;
            var blocks = group.OrderBy(block => block.Offset).ToList();
            contents.Add(storageEntries[storage], new ZipContent(storage.Length, null, builder => StorageLayout.LayDown(builder, storage, blocks)));
        }

        foreach (var replacement in edit.Replacements)
        {
            contents.Add(storageEntries[replacement.Storage], new ZipContent(replacement.Bytes.Length, null, builder => builder.Computed(replacement.Bytes)));
        }

        return ZipRewriter.Rewrite(directory, contents, alignment);
    }

    private static TorchPickle ReadPickle(SourceFile source, ZipEntry entry, Func<string, StorageEntry?> findStorage)
    {
        try
        {
            if (entry.Size > PickleLimits.Bytes)
            {
                throw PickleFailure.Limit(0, $"{entry.Size} bytes are more than the {PickleLimits.Bytes} that a pickle may have");
            }

            var bytes = source.Read(entry.DataOffset, (int)entry.Size);
            if (Crc32.HashToUInt32(bytes) != entry.Crc)
            {
                throw PickleFailure.At(0, "the bytes do not have the checksum that the zip gives");
            }

            var document = PickleMachine.Run(bytes);
            return document.Bytes.Length == bytes.Length
                ? new TorchPickle(document, findStorage)
                : throw PickleFailure.At(document.Bytes.Length, $"{bytes.Length - document.Bytes.Length} bytes stand behind the end of the pickle");
        }
        catch (MigrationException error) when (error.File is null)
        {
            throw new MigrationException(error.Kind, error.Problem, source.Path, $"{entry.Name}{(error.Where is null ? "" : $", {error.Where}")}", error.Offset, error);
        }
    }

    /// <summary>
    /// The alignment that the file was written with: <c>.storage_alignment</c> holds it in decimal digits since PyTorch 2.7
    /// (torch/serialization.py, <c>_save</c>); before, it was always 64.
    /// </summary>
    private static int ReadAlignment(SourceFile source, ZipDirectory directory, string stem)
    {
        if (!directory.ByName.TryGetValue($"{stem}/.storage_alignment", out var entry) || entry.Size > 10)
        {
            return ZipFormat.Alignment;
        }

        var digits = source.Read(entry.DataOffset, (int)entry.Size);
        return int.TryParse(Encoding.ASCII.GetString(digits), out var value) && value is >= 1 and <= 1 << 15 ? value : ZipFormat.Alignment;
    }
}
