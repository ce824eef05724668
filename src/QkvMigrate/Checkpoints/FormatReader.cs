using QkvMigrate.Checkpoints.Safetensors;
using QkvMigrate.Checkpoints.TorchBefore16;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints;

/// <summary>How a format is told and read; <see cref="All"/> is the table of the formats.</summary>
/// <param name="Matches">Whether the first bytes of a file are those of the format.</param>
/// <param name="Open">Opens such a file, or throws what is wrong with it.</param>
internal sealed record FormatReader(Func<SourceFile, bool> Matches, Func<SourceFile, Checkpoint> Open)
{
    /// <summary>The formats, in the order in which files are held against them.</summary>
    public static IReadOnlyList<FormatReader> All { get; } =
    [
        new(TorchZipCheckpoint.Matches, TorchZipCheckpoint.Open),
        new(SafetensorsCheckpoint.Matches, SafetensorsCheckpoint.Open),
        new(TorchBefore16Checkpoint.Matches, TorchBefore16Checkpoint.Open),

        // A checkpoint that is told and refused.
        new(TorchTar.Matches, _ => throw TorchTar.Refused()),
    ];

    /// <summary>The format of a file, or null.</summary>
    /// <exception cref="MigrationException">The file cannot be read.</exception>
    public static FormatReader? Find(SourceFile source) => All.FirstOrDefault(format => format.Matches(source));
}
