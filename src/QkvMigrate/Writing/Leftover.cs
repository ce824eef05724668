using QkvMigrate.Files;

namespace QkvMigrate.Writing;

/// <summary>What is taken away when a write ends, however it ended.</summary>
internal static class Leftover
{
    /// <summary>
    /// Removes something. Where the system refuses, as on a filesystem that has become read-only, it is left to the next run: a failure
    /// here would hide the one that a user has to be told.
    /// </summary>
    public static void Remove(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            // The next run sweeps it.
        }
    }
}
