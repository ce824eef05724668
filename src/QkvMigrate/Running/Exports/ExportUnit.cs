using QkvMigrate.Configuration.Models;
using QkvMigrate.Exporting;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Exports;

/// <summary>What of a unit concerns an export: its checkpoints, and beside them what configures the model and its tokenizer.</summary>
internal static class ExportUnit
{
    /// <summary>The unit without what stays behind. Links come along as the files that they lead to.</summary>
    public static CheckpointUnit Of(CheckpointUnit unit) => unit with
    {
        OtherFiles =
        [
            .. unit.OtherFiles
                .Concat(unit.Links.Where(link => link.Target is not null).Select(link => link.Path))
                .Where(Concerns)
                .Order(StringComparer.Ordinal),
        ],
        Links = [],
        LeftBehind = [],
    };

    /// <summary>The unit that a checkpoint file is by itself.</summary>
    public static CheckpointUnit OfFile(string path)
    {
        var root = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return new CheckpointUnit(
            root,
            "",
            [Path.GetFileName(path)],
            [.. Directory.EnumerateFiles(root).Select(file => Path.GetFileName(file)).Where(Concerns).Order(StringComparer.Ordinal)]);
    }

    private static bool Concerns(string file) =>
        TokenizerFiles.Are(file) || ModelFields.FileNames.Contains(file) || HuggingFaceConfiguration.FileNames.Contains(file);
}
