namespace QkvMigrate.Files;

/// <summary>Says in one line what the operating system refused.</summary>
internal static class IoFailure
{
    private const int InputOutput = 5; // EIO
    private const int AccessDenied = 13; // EACCES
    private const int FileTooLarge = 27; // EFBIG
    private const int NoSpace = 28; // ENOSPC
    private const int ReadOnly = 30; // EROFS
    private const int Quota = 122; // EDQUOT

    /// <summary>Whether <paramref name="error"/> is one that the operating system causes.</summary>
    public static bool IsOne(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>The failure of writing <paramref name="path"/>. .NET keeps the number of a system call's error as the exception's result.</summary>
    public static MigrationException Of(Exception error, string path)
    {
        var number = error is UnauthorizedAccessException ? AccessDenied : error.HResult;
        var problem = number switch
        {
            InputOutput => "the disk reports an input/output error",
            AccessDenied => "permission denied: the file or its folder may not be written",
            FileTooLarge => "the file would be larger than the limit of this process (ulimit -f) or of the filesystem",
            NoSpace => "no space left on the disk",
            ReadOnly => "the filesystem is read-only",
            Quota => "the disk quota is used up",
            _ => error.Message,
        };
        return new MigrationException(FailureKind.Io, problem, path, inner: error);
    }
}
