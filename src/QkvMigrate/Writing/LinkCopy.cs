using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing;

/// <summary>Makes a symbolic link, which like a file gets its name when it is there.</summary>
internal static class LinkCopy
{
    /// <summary>Makes <paramref name="path"/> a link that says <paramref name="text"/>; one that says so already stays.</summary>
    /// <exception cref="MigrationException">Something else is there and is not to be replaced, or the system cannot make links.</exception>
    public static void Write(string path, string text, bool replace)
    {
        if (FileIdentity.OfLink(path) is { IsLink: true } && new FileInfo(path).LinkTarget == text)
        {
            return;
        }

        try
        {
            using var targetLock = TargetLock.Acquire(path);
            var hidden = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, TemporaryName.For(path));
            File.CreateSymbolicLink(hidden, text);
            try
            {
                HostSystem.Current.Rename(hidden, path, replace);
            }
            catch
            {
                File.Delete(hidden);
                throw;
            }
        }
        catch (Exception error) when (IoFailure.IsOne(error))
        {
            throw !replace && FileIdentity.OfLink(path) is not null
                ? ExistingOutput.Refused(path, error)
                : IoFailure.Of(error, path);
        }
    }
}
