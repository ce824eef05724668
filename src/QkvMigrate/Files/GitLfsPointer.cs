namespace QkvMigrate.Files;

/// <summary>
/// The text that stands for a file in a clone for which Git LFS has not fetched it
/// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
/// </summary>
internal static class GitLfsPointer
{
    /// <summary>Whether the file is one.</summary>
    public static bool Matches(SourceFile source)
    {
        var first = "version https://git-lfs.github.com/spec/"u8;
        return source.Length >= first.Length && source.Read(0, first.Length).AsSpan().SequenceEqual(first);
    }
}
