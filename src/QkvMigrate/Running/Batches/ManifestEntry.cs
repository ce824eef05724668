using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>How far the writing of a unit has come.</summary>
internal enum ManifestState
{
    /// <summary>Begun, and to be done again: in the output is what was there before, what was made since, or some of both.</summary>
    Writing,

    /// <summary>The result is on the disk under its name.</summary>
    Finished,
}

/// <summary>
/// What a unit was made from, how, and what came out. Nothing in it depends on when or in which order units were
/// written: whatever happened on the way, the same sources and options give the same entries.
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
/// <param name="Replaced">While it is being written: the files that earlier runs made, of which some may still stand.</param>
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

    /// <summary>The name of the file that a checkpoint became; of several that an export made of it, the one by which they are known. Null where it became none.</summary>
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
        var checkpoints = Checkpoints().Where(checkpoint => ResultName(checkpoint) is not null).GroupBy(checkpoint => ResultName(checkpoint)!, StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.First().Path, StringComparer.Ordinal);
        return [.. files.Select(file => file with { Source = file.Source ?? checkpoints.GetValueOrDefault(file.Path) })];
    }

    /// <inheritdoc/>
    public string? Problem() =>
        !RecordedPath.IsBelow(Path) ? "no path below the tree"
        : Source.Any(stamp => stamp is null || !(RecordedPath.IsBelow(stamp.Path) || System.IO.Path.IsPathRooted(stamp.Path)) || stamp.Bytes < 0) ? "a source without a path or of fewer bytes than none"
        : Result.Concat(Replaced ?? []).Any(file => file is null || file.Path is "" || !RecordedPath.IsBelow(file.Path) || file.Bytes < 0 || !FileDigest.IsOne(file.Sha256) || !(file.Source is null || RecordedPath.IsName(file.Source)) || !(file.Link is null || RecordedPath.IsOne(file.Link))) ? "a result without a path, of fewer bytes than none, or without a SHA-256"
        : Result.Select(file => file.Path).Distinct(StringComparer.Ordinal).Count() < Result.Count ? "a result that is named twice"
        : State == ManifestState.Finished && Checkpoints().Select(ResultName).OfType<string>().Except(Result.Select(file => file.Path), StringComparer.Ordinal).Any() ? "a finished checkpoint without a result"
        : null;
}

/// <summary>One file of a result.</summary>
/// <param name="Path">Its path in the unit's directory.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The digest of its content, read back from what was written.</param>
/// <param name="Source">The checkpoint that it was made from; null for what came along, and in the form's first version.</param>
/// <param name="Link">What stands in it where it is a link that came along as one, and then size and digest are those of this text; null for a file.</param>
internal sealed record ResultFile(string Path, long Bytes, string Sha256, string? Source = null, string? Link = null)
{
    /// <summary>A link that came along.</summary>
    public static ResultFile Of(KeptLink link)
    {
        var text = Encoding.UTF8.GetBytes(link.Text);
        return new ResultFile(link.Path, text.Length, FileDigest.Of(text), Link: link.Text);
    }

    /// <summary>Where a relative link leads, seen from the unit's directory; null for what is none.</summary>
    public string? Target() => Link is null || System.IO.Path.IsPathRooted(Link) ? null : System.IO.Path.GetRelativePath("/", System.IO.Path.GetFullPath(System.IO.Path.Combine("/", System.IO.Path.GetDirectoryName(Path)!, Link)));
}
