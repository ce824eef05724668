using QkvMigrate.Configuration;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Running.Batches;

/// <summary>
/// The manifest's record of one unit: what it was made from, how, and what came out. The same sources and options give the same
/// entries, whenever and in whichever order units were written.
/// </summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Path">The unit's path below the tree; empty for the tree's own directory.</param>
/// <param name="State">How far it has come.</param>
/// <param name="Options">What else decided the result.</param>
/// <param name="Source">The files that it was made from, checkpoints first.</param>
/// <param name="Result">
/// The files that were made, in the order of their paths; none before all of them are written, under names of their own. In it
/// stay those of checkpoints that a narrower run left out, and of ones whose source is gone.
/// </param>
/// <param name="Replaced">
/// While it is being written: the files that earlier runs made, of which some may still stand. Where it is finished: files that
/// were another unit's, and that the next run has to look at.
/// </param>
internal sealed record ManifestEntry(
    int SchemaVersion,
    string Path,
    ManifestState State,
    ResultOptions Options,
    IReadOnlyList<SourceStamp> Source,
    IReadOnlyList<ResultFile> Result,
    IReadOnlyList<ResultFile>? Replaced = null) : IUnitDocument
{
    /// <summary>The checkpoints that it was made from; the bases of LoRAs, which are named by whole paths, are none of them.</summary>
    public IEnumerable<SourceStamp> Checkpoints() => Source.Where(stamp => stamp.Header is not null && !System.IO.Path.IsPathRooted(stamp.Path));

    /// <summary>The name of the file that a checkpoint became: the main file, where an export made several. Null where it became none.</summary>
    public string? ResultName(SourceStamp checkpoint) =>
        Options.AreOfExport() ? Result.FirstOrDefault(file => file.Source == checkpoint.Path)?.Path
        : Options.Lora == LoraTreatment.Merge ? LoraBase.FileName
        : checkpoint.Path;

    /// <summary>The files of the result, each with the checkpoint that it was made from, which the form's first version does not say.</summary>
    public IReadOnlyList<ResultFile> Results() => WithSources(Result);

    /// <summary>Every file that this tool has put into the unit's output, or was about to; one can be there in two states.</summary>
    public IReadOnlyList<ResultFile> Known() => WithSources(Result.Concat(Replaced ?? []));

    private IReadOnlyList<ResultFile> WithSources(IEnumerable<ResultFile> files)
    {
        var checkpoints = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var checkpoint in Checkpoints())
        {
            if (ResultName(checkpoint) is { } name)
            {
                checkpoints.TryAdd(name, checkpoint.Path);
            }
        }

        return [.. files.Select(file => file with { Source = file.Source ?? checkpoints.GetValueOrDefault(file.Path) })];
    }

    /// <inheritdoc/>
    public string? Problem()
    {
        if (!RecordedPath.IsBelow(Path))
        {
            return "no path below the tree";
        }

        if (Source.Any(stamp => stamp is null || !stamp.IsSound()))
        {
            return "a source without a path, or with a negative size";
        }

        if (Result.Concat(Replaced ?? []).Any(file => file is null || !file.IsSound()))
        {
            return "a result without a path, with a negative size, or without a SHA-256";
        }

        var names = Result.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        if (names.Count < Result.Count)
        {
            return "a result that is named twice";
        }

        return State == ManifestState.Finished && Checkpoints().Select(ResultName).OfType<string>().Any(name => !names.Contains(name))
            ? "a finished checkpoint without a result"
            : null;
    }
}
