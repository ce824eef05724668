using QkvMigrate.Files;

namespace QkvMigrate.Trees;

/// <summary>
/// A link beside a checkpoint that comes along as a link: it leads to a directory, or nowhere, or to a file that comes along
/// with it. All others come along as the files that they lead to.
/// </summary>
/// <param name="Path">Its path, relative to the unit's root.</param>
/// <param name="Text">What stands in it.</param>
/// <param name="Target">The file of the unit that it leads to, relative to the root; null where it leads to a directory or nowhere.</param>
internal sealed record KeptLink(string Path, string Text, string? Target)
{
    /// <summary>
    /// The link at <paramref name="path"/> below <paramref name="root"/>, if it is one that may stay one; whether its target
    /// comes along is not looked at.
    /// </summary>
    public static KeptLink? Of(string root, string path)
    {
        var full = System.IO.Path.Combine(root, path);
        if (FileIdentity.OfLink(full) is not { IsLink: true } || new FileInfo(full).LinkTarget is not { } text)
        {
            return null;
        }

        if (FileIdentity.Of(full) is not { IsDirectory: false })
        {
            return new KeptLink(path, text, null);
        }

        // An absolute one would lead from the new folder back to the old one.
        return !System.IO.Path.IsPathRooted(text) && File.ResolveLinkTarget(full, returnFinalTarget: true) is { } end
            ? new KeptLink(path, text, System.IO.Path.GetRelativePath(root, end.FullName))
            : null;
    }
}
