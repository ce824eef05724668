namespace QkvMigrate.Files.Systems;

/// <summary>Numbers of Windows's errors (winerror.h).</summary>
internal static class WindowsError
{
    public const int FileNotFound = 2;
    public const int AccessDenied = 5;
    public const int WriteProtected = 19;
    public const int BadChecksum = 23;
    public const int SharingViolation = 32;
    public const int HandleDiskFull = 39;
    public const int FileExists = 80;
    public const int DiskFull = 112;
    public const int FileTooLarge = 223;
    public const int Device = 1117;
    public const int TooManyLinks = 1142;
    public const int Quota = 1295;

    private const int InvalidFunction = 1;
    private const int NotSupported = 50;
    private const int InvalidParameter = 87;
    private const int NotImplemented = 120;
    private const int InvalidLevel = 124;

    /// <summary>Whether it says that the filesystem, or this version of Windows, has no such call.</summary>
    public static bool IsUnsupported(int error) => error is InvalidFunction or NotSupported or InvalidParameter or NotImplemented or InvalidLevel;
}
