using System.Text;
using QkvMigrate.Files;
using QkvMigrate.Trees;

namespace QkvMigrate.Running.Batches;

/// <summary>One file of a result.</summary>
/// <param name="Path">Its path in the unit's directory.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The digest of its content, read back from what was written.</param>
/// <param name="Source">The checkpoint that it was made from; null for what came along, and in the form's first version.</param>
/// <param name="Link">The text of a link that came along as one, whose size and digest the others are; null for a file.</param>
internal sealed record ResultFile(string Path, long Bytes, string Sha256, string? Source = null, string? Link = null)
{
    /// <summary>A link that came along.</summary>
    public static ResultFile Of(KeptLink link)
    {
        var text = Encoding.UTF8.GetBytes(link.Text);
        return new ResultFile(link.Path, text.Length, FileDigest.Of(text), Link: link.Text);
    }

    /// <summary>Whether its values are such as a run writes: whatever the types allow is read, from whoever wrote it.</summary>
    public bool IsSound() =>
        Path is not "" && RecordedPath.IsBelow(Path)
        && Bytes >= 0
        && FileDigest.IsOne(Sha256)
        && (Source is null || RecordedPath.IsName(Source))
        && (Link is null || RecordedPath.IsOne(Link));

    /// <summary>Where a relative link leads, seen from the unit's directory; null for all else.</summary>
    public string? Target()
    {
        if (Link is null || System.IO.Path.IsPathRooted(Link))
        {
            return null;
        }

        const string root = "/";
        var folder = System.IO.Path.Combine(root, System.IO.Path.GetDirectoryName(Path)!);
        return System.IO.Path.GetRelativePath(root, System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, Link)));
    }
}
