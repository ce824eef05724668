using QkvMigrate.FilePlans;
using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>The source that a new file can begin as a clone of, where the filesystem shares blocks.</summary>
internal static class ClonedSource
{
    /// <summary>The source of which the most bytes keep their place in the new file, or null where none do.</summary>
    public static SourceFile? Of(FilePlan plan)
    {
        var kept = new Dictionary<SourceFile, long>();
        foreach (var copy in plan.Segments.OfType<CopySegment>().Where(IsKept))
        {
            kept[copy.Source] = kept.GetValueOrDefault(copy.Source) + copy.Length;
        }

        return kept.Count == 0 ? null : kept.MaxBy(source => source.Value).Key;
    }

    /// <summary>Whether a clone of the copy's source has these bytes in the right place already.</summary>
    public static bool IsKept(CopySegment copy) => copy.Checksum < 0 && copy.Offset == copy.Target;
}
