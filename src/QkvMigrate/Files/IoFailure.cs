using QkvMigrate.Files.Systems;

namespace QkvMigrate.Files;

/// <summary>Says in one line what the operating system refused.</summary>
internal static class IoFailure
{
    /// <summary>Whether <paramref name="error"/> is one that the operating system causes.</summary>
    public static bool IsOne(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>Has what the operating system refuses to <paramref name="work"/> told of <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">It refused something.</exception>
    public static void Naming(string path, Action work) => _ = Naming(path, () =>
    {
        work();
        return true;
    });

    /// <summary>As above, for work that makes something.</summary>
    /// <exception cref="MigrationException">It refused something.</exception>
    public static T Naming<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (IsOne(error))
        {
            throw Of(error, path);
        }
    }

    /// <summary>The failure of opening <paramref name="path"/> to read it, a file or a folder. What .NET says names the path a second time.</summary>
    public static MigrationException OfReading(Exception error, string path)
    {
        var problem = error switch
        {
            FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
            UnauthorizedAccessException => "permission denied",
            _ => error.Message,
        };
        return new MigrationException(FailureKind.Io, problem, path, inner: error);
    }

    /// <summary>The failure of writing <paramref name="path"/>.</summary>
    public static MigrationException Of(Exception error, string path)
    {
        var problem = HostSystem.Current.ProblemOf(error) switch
        {
            DiskProblem.InputOutput => "the disk reports an input/output error",
            DiskProblem.AccessDenied when OperatingSystem.IsWindows() => "permission denied: the file or its folder may not be written, or another program has the file open",
            DiskProblem.AccessDenied => "permission denied: the file or its folder may not be written",
            DiskProblem.FileTooLarge => "the file would be larger than the limit of this process (ulimit -f) or of the filesystem",
            DiskProblem.NoSpace => "no space left on the disk",
            DiskProblem.ReadOnly => "the filesystem is read-only",
            DiskProblem.Quota => "the disk quota is used up",
            _ => error.Message,
        };
        return new MigrationException(FailureKind.Io, problem, path, inner: error);
    }
}
