using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Checkpoints;

/// <summary>
/// What is in a checkpoint file: names, tensors and where their bytes are. Opening one reads the file's directory and
/// its pickle or header, never a tensor.
/// </summary>
public abstract class Checkpoint : IDisposable
{
    private protected Checkpoint(SourceFile source) => Source = source;

    /// <summary>The file.</summary>
    public SourceFile Source { get; }

    /// <summary>The file's format.</summary>
    public abstract CheckpointFormat Format { get; }

    /// <summary>Every tensor that stands in a dict or list, at any depth.</summary>
    public abstract IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>
    /// The storages that something besides <see cref="Tensors"/> may look into, as the whole of them: objects that this
    /// tool does not know. Nothing may move in them.
    /// </summary>
    internal abstract IReadOnlySet<StorageEntry> OpaqueStorages { get; }

    /// <summary>The state dicts of optimizers.</summary>
    public virtual IReadOnlyList<OptimizerEntry> Optimizers => [];

    /// <summary>
    /// Values that are no tensors and stand under keys that speak of attention, or below such keys where they are like
    /// tensors. Not among them are an optimizer's state of a parameter, and what <c>_metadata</c> says of a module.
    /// </summary>
    internal virtual IReadOnlyList<OtherValue> OtherValues => [];

    /// <summary>What the file's pickles name outside of themselves, in order; none in formats without pickles.</summary>
    public virtual IReadOnlyList<GlobalUse> Globals => [];

    /// <summary>Whether storages of this format can get other bytes (<see cref="CheckpointEdit.Replacements"/>).</summary>
    internal virtual bool TakesReplacements => false;

    /// <summary>Whether tensors of this format can get storages of their own (<see cref="CheckpointEdit.Splits"/>).</summary>
    internal virtual bool TakesSplits => false;

    /// <summary>
    /// The same file without the state dicts of <paramref name="optimizers"/> and without <paramref name="tensors"/>, keys and
    /// values, and without the storages that nothing else looks into. It takes this object's place and its source.
    /// </summary>
    /// <exception cref="MigrationException">The format cannot, or something else shares what is taken out.</exception>
    internal virtual Checkpoint Without(IReadOnlyList<OptimizerEntry> optimizers, IReadOnlyList<TensorEntry> tensors) =>
        throw new MigrationException(FailureKind.Unsupported, "nothing can be taken out of a file of this format", Source.Path);

    /// <summary>
    /// Whether <see cref="Tensors"/> stand in the order in which the model has its parameters, so that a number can prove which
    /// parameter a copy is of.
    /// </summary>
    internal abstract bool KeepsModelOrder { get; }

    /// <summary>The storages that the file carries and nothing in it names; only zips can have some.</summary>
    public virtual UnreferencedRecords Unreferenced => UnreferencedRecords.None;

    /// <summary>The same file without its <see cref="Unreferenced"/> storages. It takes this object's place and its source.</summary>
    internal virtual Checkpoint WithoutUnreferenced() => this;

    /// <summary>Holds the bytes of a storage against the checksum that the file gives for them, where it gives one.</summary>
    /// <exception cref="MigrationException">They are no longer those that it was made of.</exception>
    internal virtual void CheckSum(StorageEntry storage, CancellationToken cancellation)
    {
    }

    /// <summary>What the file is made of after <paramref name="edit"/>, in pieces of this file, of new bytes and of reordered bytes.</summary>
    internal abstract FilePlan Rewrite(CheckpointEdit edit);

    /// <summary>
    /// Whether a file looks like a checkpoint: its first bytes are those of one, or only checkpoints have such a name. This is
    /// a quick look, to sort a directory's files. Opening such a file may still fail, and the failure must be reported.
    /// FIFOs and devices are not opened.
    /// </summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static bool LooksLikeOne(string path)
    {
        var name = Path.GetFileName(path);
        if (TemporaryName.IsOfInPlace(name))
        {
            return false;
        }

        using var source = SourceFile.OpenToLook(path);
        if (source is null)
        {
            return false;
        }

        return FormatReader.Find(source) is not null
            || CheckpointNames.IsLitGpts(name)

            // A clone without Hugging Face's large files is a usual thing beside a LitGPT checkpoint that was made from them.
            || (CheckpointNames.IsHuggingFaces(name) && !GitLfsPointer.Matches(source));
    }

    /// <summary>Opens <paramref name="path"/>; its content decides the format.</summary>
    /// <exception cref="MigrationException">The file cannot be read, is of no known format, or breaks the rules of its own.</exception>
    public static Checkpoint Open(string path) => Of(OpenFile(path));

    /// <summary>A folder is no file, and some are checkpoints of a kind of their own.</summary>
    private static SourceFile OpenFile(string path)
    {
        try
        {
            return SourceFile.Open(path);
        }
        catch (MigrationException) when (Directory.Exists(path))
        {
            if (DistributedCheckpoint.RefusalOfFolder(path) is { } refusal)
            {
                throw refusal;
            }

            throw;
        }
    }

    /// <summary>Opens a file; its content decides the format. The file is closed with the checkpoint, or where it is none.</summary>
    /// <exception cref="MigrationException">As above.</exception>
    internal static Checkpoint Of(SourceFile source)
    {
        try
        {
            if (DistributedCheckpoint.RefusalOfFile(source) is { } isPart)
            {
                throw isPart;
            }

            return FormatReader.Find(source) is { } reader ? reader.Open(source) : throw new MigrationException(FailureKind.Malformed, WhyNoCheckpoint(source));
        }
        catch (MigrationException error)
        {
            source.Dispose();
            throw error.InFile(source.Path);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static string WhyNoCheckpoint(SourceFile source)
    {
        if (source.Length == 0)
        {
            return "the file is empty";
        }

        return GitLfsPointer.Matches(source)
            ? "this is the pointer of Git LFS and not the checkpoint; 'git lfs pull' fetches that"
            : "this is no checkpoint: expected a file that torch.save wrote, or safetensors";
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Source.Dispose();
        GC.SuppressFinalize(this);
    }
}
