using QkvMigrate.FilePlans;

namespace QkvMigrate.Writing;

/// <summary>Does work that reads the sources of a plan, and makes sure that they stayed the same meanwhile.</summary>
internal static class UnchangedSources
{
    /// <summary>Runs <paramref name="work"/>. Where a source changed, that is the failure to tell, whether the work failed or not.</summary>
    /// <exception cref="MigrationException">A source changed, or the work failed.</exception>
    public static void During(FilePlan plan, Action work)
    {
        try
        {
            work();
        }
        catch (MigrationException)
        {
            plan.CheckSourcesUnchanged();
            throw;
        }

        plan.CheckSourcesUnchanged();
    }
}
