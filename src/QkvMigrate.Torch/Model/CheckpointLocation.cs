using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;
using QkvMigrate.Files;

namespace QkvMigrate.Torch.Model;

/// <summary>A checkpoint file and the configuration that lies beside it.</summary>
/// <param name="File">The file.</param>
/// <param name="Configuration">What its model is made of.</param>
public sealed record CheckpointLocation(string File, ModelConfiguration Configuration)
{
    /// <summary>LitGPT's name for a model's checkpoint since 2023-04 (litgpt/scripts/convert_hf_checkpoint.py).</summary>
    private const string UsualName = "lit_model.pth";

    /// <summary>Finds both for <paramref name="path"/>, a checkpoint file or a directory that holds one.</summary>
    /// <exception cref="MigrationException">There is no checkpoint, more than one, or no configuration.</exception>
    public static CheckpointLocation Find(string path)
    {
        var file = FindFile(path);
        var directory = Path.GetDirectoryName(Path.GetFullPath(file))!;
        return new CheckpointLocation(file, ModelConfigurationReader.Find(directory)
            ?? throw new MigrationException(
                FailureKind.Unsupported,
                $"no {string.Join(" or ", ModelConfigurationReader.FileNames)} beside it, so what the model is made of is not known",
                file));
    }

    /// <summary>The checkpoint file that <paramref name="path"/> is or holds.</summary>
    /// <exception cref="MigrationException">There is none, or more than one of which none bears the usual name.</exception>
    public static string FindFile(string path)
    {
        InPlacePair.CheckName(path);
        if (!Directory.Exists(path))
        {
            InPlacePair.CheckThere(path);
            return System.IO.File.Exists(path) ? path : throw new MigrationException(FailureKind.Io, "no such file or directory", path);
        }

        if (DistributedCheckpoint.RefusalOfFolder(path) is { } refusal)
        {
            throw refusal;
        }

        var usual = Path.Combine(path, UsualName);
        InPlacePair.CheckThere(usual);
        if (System.IO.File.Exists(usual))
        {
            return usual;
        }

        try
        {
            // Which file is meant is not known while one of them is away.
            foreach (var pair in InPlacePair.In(path))
            {
                InPlacePair.CheckThere(pair.Path);
            }

            return Directory.EnumerateFiles(path).Where(Checkpoint.LooksLikeOne).Order(StringComparer.Ordinal).ToList() switch
            {
                [var only] => only,
                [] => throw Directory.EnumerateDirectories(path)
                    .Order(StringComparer.Ordinal)
                    .Select(DistributedCheckpoint.RefusalOfFolder)
                    .FirstOrDefault(refusal => refusal is not null)
                    ?? new MigrationException(FailureKind.Malformed, "no checkpoint in this directory", path),
                var files => throw new MigrationException(
                    FailureKind.Usage,
                    $"{files.Count} checkpoints and none is {UsualName}; name one: {string.Join(", ", files.Select(Path.GetFileName))}",
                    path),
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException(FailureKind.Io, error.Message, path, inner: error);
        }
    }
}
