using System.Diagnostics;
using QkvMigrate.Configuration;
using QkvMigrate.Exporting;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Planning.Optimizers;
using QkvMigrate.Reordering;
using QkvMigrate.Verification;
using QkvMigrate.Writing;

namespace QkvMigrate.Running;

/// <summary>What a user asks to be done with one path.</summary>
public sealed record MigrationRequest
{
    /// <summary>A checkpoint file, or a directory with checkpoints.</summary>
    public required string Path { get; init; }

    /// <summary>Upgrade or downgrade.</summary>
    public required MigrationDirection Direction { get; init; }

    /// <summary>What the user says about the geometry.</summary>
    public GeometryFlags Geometry { get; init; } = new();

    /// <summary>What the user says about LoRA.</summary>
    public LoraOptions Lora { get; init; } = new();

    /// <summary>The output's path; null with <see cref="InPlace"/>, or for <c>NAME-qkv</c> beside the source.</summary>
    public string? Output { get; init; }

    /// <summary>Replace the source.</summary>
    public bool InPlace { get; init; }

    /// <summary>With <see cref="InPlace"/>: the suffix of the name under which the old file is kept, or null to keep none.</summary>
    public string? BackupSuffix { get; init; }

    /// <summary>With <see cref="InPlace"/>: change only the bytes that differ, in the file itself, with a journal beside it.</summary>
    public bool Journal { get; init; }

    /// <summary>How the model is written for Hugging Face's libraries, or null for an upgrade or downgrade.</summary>
    public ExportOptions? Export { get; init; }

    /// <summary>Plan only.</summary>
    public bool DryRun { get; init; }

    /// <summary>Replace an existing output.</summary>
    public bool Force { get; init; }

    /// <summary>Leave the state of optimizers out of the new file.</summary>
    public bool DropOptimizer { get; init; }

    /// <summary>What is taken for the order in which optimizers number their parameters.</summary>
    public OptimizerOrder OptimizerOrder { get; init; }

    /// <summary>Leave storages that nothing in the file names out of the new file.</summary>
    public bool DropUnreferenced { get; init; }

    /// <summary>Work on files whose pickles can run code when PyTorch loads them. Here, nothing is run even then.</summary>
    public bool AllowUnsafePickle { get; init; }

    /// <summary>Refuse where the weights clearly speak against the geometry, instead of warning.</summary>
    public bool StrictEvidence { get; init; }

    /// <summary>How the new file is proven before it gets its name, or null for not at all.</summary>
    public VerificationMode? Verification { get; init; } = VerificationMode.Quick;

    /// <summary>
    /// Makes the engine: asked when the first rows have to move, and not again where that succeeded. It serves all files of
    /// the request, with several jobs at once.
    /// </summary>
    public required Func<IReorderEngine> Engine { get; init; }

    /// <summary>
    /// Makes what adds a LoRA to its base. It is asked when the first weight is written, and needed where <see cref="Lora"/> asks for
    /// a merge.
    /// </summary>
    public Func<ILowRankUpdater>? LowRankUpdater { get; init; }

    /// <summary>Receives the progress of each file that is written, or null.</summary>
    public IWriteProgress? Progress { get; init; }

    /// <summary>The conversion that <see cref="Direction"/> stands for, which all but the request work with.</summary>
    internal Conversion Conversion => Direction switch
    {
        MigrationDirection.Upgrade => Conversion.Upgrade,
        MigrationDirection.Downgrade => Conversion.Downgrade,
        _ => throw new UnreachableException($"direction {Direction}"),
    };

    /// <summary>What is known of the shards of its run.</summary>
    internal ShardOwners ShardOwners { get; init; } = new();

    /// <summary>The suffix that the source's name gets where no <see cref="Output"/> is named.</summary>
    internal string Suffix => Export is not null ? OutputSuffix.Exported : IsMerge ? OutputSuffix.Merged : OutputSuffix.Migrated;

    /// <summary>
    /// The name in the output directory of what becomes of a checkpoint <paramref name="file"/>: a merged model has the one that
    /// all of LitGPT's have.
    /// </summary>
    internal string ResultName(string file) => IsMerge ? LoraBase.FileName : System.IO.Path.GetFileName(file);

    /// <summary>Whether a LoRA is merged.</summary>
    internal bool IsMerge => Lora.Treatment == LoraTreatment.Merge;

    /// <summary>What the user says about the LoRA, as the verifier is told it.</summary>
    internal MergeOptions MergeOptions => new() { Base = Lora.Base, Alpha = Lora.Alpha, Rank = Lora.Rank, IsBefore900 = Lora.IsBefore900 };

    /// <summary>A request that only looks: what would an upgrade do?</summary>
    internal static MigrationRequest ToInspect(string path, GeometryFlags geometry) => new()
    {
        Path = path,
        Direction = MigrationDirection.Upgrade,
        Geometry = geometry,
        DryRun = true,
        AllowUnsafePickle = true,
        Engine = () => throw new InvalidOperationException("inspecting reorders nothing"),
    };

    /// <summary>A request that only plans: how is what a conversion made of a file undone?</summary>
    internal static MigrationRequest ToUndo(Conversion made, string path, GeometryFlags geometry) => ToInspect(path, geometry) with
    {
        Direction = made.IsUpgrade ? MigrationDirection.Downgrade : MigrationDirection.Upgrade,

        // The checksum tells whether that was the order.
        OptimizerOrder = OptimizerOrder.Model,
    };
}
