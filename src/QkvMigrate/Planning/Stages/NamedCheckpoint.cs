using System.Diagnostics;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Planning.Stages;

/// <summary>The beginning of the way: a file that the user named, not opened yet.</summary>
/// <param name="Path">The file that the user named.</param>
/// <param name="OtherShards">The tensors in the other files of the same model, where it has several.</param>
internal sealed record NamedCheckpoint(string Path, IReadOnlyList<TensorEntry> OtherShards) : CheckpointStage
{
    private readonly Stopwatch watch = Stopwatch.StartNew();

    /// <inheritdoc/>
    public override CheckpointStage? Before => null;

    /// <inheritdoc/>
    public override string Path { get; } = Path;

    /// <summary>Where the file is a LoRA that is merged: the LoRA, whose base takes the file's place from here on.</summary>
    public LoraAdapter? Adapter { get; init; }

    /// <summary>What the pickles of <see cref="Adapter"/> name that the user should know of.</summary>
    public IReadOnlyList<Advice> PickleAdvice { get; init; } = [];

    /// <summary>Time since the way began.</summary>
    public TimeSpan Elapsed => watch.Elapsed;

    /// <summary>Opens the file.</summary>
    /// <exception cref="MigrationException">It cannot be read, is of no known format, or breaks the rules of its own.</exception>
    public OpenedCheckpoint Open() => new(this, Checkpoint.Open(Path));

    /// <summary>Opens the base of <see cref="Adapter"/> in the file's place.</summary>
    /// <param name="path">The base's file.</param>
    /// <exception cref="MigrationException">As above.</exception>
    public OpenedCheckpoint OpenBase(string path) => new(this, Checkpoint.Open(path));

    /// <inheritdoc/>
    public override void Dispose()
    {
        Adapter?.Checkpoint.Dispose();
        base.Dispose();
    }
}
