using System.Runtime.InteropServices;

namespace QkvMigrate.Files;

/// <summary>The numbers of errors that Linux gives (errno-base.h, errno.h); .NET keeps them as an exception's result.</summary>
internal static class PosixError
{
    public const int NotPermitted = 1; // EPERM
    public const int Interrupted = 4; // EINTR
    public const int InputOutput = 5; // EIO
    public const int AccessDenied = 13; // EACCES
    public const int CrossDevice = 18; // EXDEV
    public const int InvalidArgument = 22; // EINVAL
    public const int FileTooLarge = 27; // EFBIG
    public const int NoSpace = 28; // ENOSPC
    public const int ReadOnly = 30; // EROFS
    public const int TooManyLinks = 31; // EMLINK
    public const int NoSystemCall = 38; // ENOSYS
    public const int NotSupported = 95; // EOPNOTSUPP
    public const int Quota = 122; // EDQUOT

    /// <summary>What the last system call's error says.</summary>
    public static IOException Failure(string call, string? path)
    {
        var error = Marshal.GetLastPInvokeError();
        var place = path is null ? "" : $" : '{path}'";
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)}{place}", error);
    }
}
