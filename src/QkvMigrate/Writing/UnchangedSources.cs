using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>Does work that reads files, and makes sure that they stayed the same meanwhile.</summary>
internal static class UnchangedSources
{
    /// <summary>Runs <paramref name="work"/>. Where a source changed, that is the failure to tell, whether the work failed or not.</summary>
    /// <exception cref="MigrationException">A source changed, or the work failed.</exception>
    public static void During(IEnumerable<SourceFile> sources, Action work)
    {
        try
        {
            work();
        }
        catch (MigrationException)
        {
            Check(sources);
            throw;
        }

        Check(sources);
    }

    private static void Check(IEnumerable<SourceFile> sources)
    {
        foreach (var source in sources)
        {
            source.CheckUnchanged();
        }
    }
}
