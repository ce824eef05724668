using System.Text;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Files;

/// <summary>
/// The names of files and folders that are being written: hidden, and recognisable as this tool's. A target's name that is
/// too long to be extended is replaced by its start and its digest.
/// </summary>
internal static class TemporaryName
{
    private const string Ending = ".qkvmigrate-tmp";
    private const string LockEnding = ".qkvmigrate-lock";
    private const string InPlaceEnding = ".qkvmigrate-inplace";
    private const string JournalEnding = ".qkvmigrate-journal";
    private const int LongestName = 200;
    private const int StartOfLongName = 180;
    private const int DigestDigits = 16;
    private const int RandomDigits = 8;

    /// <summary>The most bytes that a filesystem of Linux takes for a name (NAME_MAX).</summary>
    public const int MaximumBytes = 255;

    /// <summary>A name, without a folder, for what will be called <paramref name="path"/>.</summary>
    public static string For(string path) =>
        $".{Stem(path)}.{Environment.ProcessId}-{Random.Shared.GetHexString(RandomDigits, lowercase: true)}{Ending}";

    /// <summary>The path of the file whose lock gives the right to write <paramref name="path"/>.</summary>
    /// <exception cref="MigrationException">Nothing can be written under that name: it is the root of all folders, or none that the system has for files.</exception>
    public static string LockFor(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var folder = Path.GetDirectoryName(full) ?? throw new MigrationException(
            FailureKind.Target,
            "the root of all folders is no name for a new file or folder",
            path);
        return HostSystem.Current.WhyNoName(full) is { } problem
            ? throw new MigrationException(FailureKind.Target, problem, path)
            : Path.Combine(folder, $".{Stem(full)}{LockEnding}");
    }

    /// <summary>A name, without a folder, for <paramref name="path"/> while it is changed in its place.</summary>
    public static string InPlaceFor(string path) => $".{Stem(path)}{InPlaceEnding}";

    /// <summary>A name, without a folder, for the journal of such a change.</summary>
    public static string JournalFor(string path) => $".{Stem(path)}{JournalEnding}";

    /// <summary>Whether <paramref name="name"/> is one of <see cref="For"/>, or a lock's: what the next run takes away.</summary>
    public static bool Is(string name) =>
        name.StartsWith('.') && (name.EndsWith(Ending, StringComparison.Ordinal) || name.EndsWith(LockEnding, StringComparison.Ordinal));

    /// <summary>Whether <paramref name="name"/> is one of <see cref="InPlaceFor"/> or <see cref="JournalFor"/>: what a run still needs.</summary>
    public static bool IsOfInPlace(string name) => StemOfInPlace(name) is not null;

    /// <summary>The name, or what stands for a long one, of which <paramref name="name"/> is one of <see cref="InPlaceFor"/> or <see cref="JournalFor"/>; null for others.</summary>
    public static string? StemOfInPlace(string name) =>
        new[] { InPlaceEnding, JournalEnding }.FirstOrDefault(ending => name.Length > ending.Length + 1 && name.EndsWith(ending, StringComparison.Ordinal)) is { } found
        && name.StartsWith('.')
            ? name[1..^found.Length]
            : null;

    /// <summary>
    /// A path of which <paramref name="path"/> is the lock, or null where it is none. A long name and what stands for it have
    /// the same lock.
    /// </summary>
    public static string? TargetOfLock(string path) =>
        Path.GetFileName(path) is ['.', .. var rest] && rest.Length > LockEnding.Length && rest.EndsWith(LockEnding, StringComparison.Ordinal)
            ? Path.Combine(Path.GetDirectoryName(path)!, rest[..^LockEnding.Length])
            : null;

    /// <summary>A path for which <see cref="For"/> gives the name of <paramref name="path"/>, or null where there is none.</summary>
    public static string? TargetOf(string path)
    {
        var name = Path.GetFileName(path);
        if (!name.EndsWith(Ending, StringComparison.Ordinal) || name[..^Ending.Length].LastIndexOf('.') is not (> 1 and var end))
        {
            return null;
        }

        var target = Path.Combine(Path.GetDirectoryName(path)!, name[1..end]);
        return IsFor(target, name) ? target : null;
    }

    /// <summary>Whether <paramref name="name"/> is a name that <see cref="For"/> gives for <paramref name="path"/>, in any process.</summary>
    public static bool IsFor(string path, string name)
    {
        var start = $".{Stem(path)}.";
        return name.Length > start.Length + Ending.Length
            && name.StartsWith(start, StringComparison.Ordinal)
            && name.EndsWith(Ending, StringComparison.Ordinal)
            && name[start.Length..^Ending.Length].Split('-') is [{ Length: > 0 } process, { Length: RandomDigits } random]
            && process.All(char.IsAsciiDigit)
            && random.All(char.IsAsciiHexDigitLower);
    }

    /// <summary>A target's name, or what stands for it; of at most <see cref="LongestName"/> bytes.</summary>
    private static string Stem(string path)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        var bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length <= LongestName)
        {
            return name;
        }

        // The cut must not split a character: its later bytes begin with the bits 10.
        var length = StartOfLongName;
        while ((bytes[length] & 0xc0) == 0x80)
        {
            length--;
        }

        return $"{Encoding.UTF8.GetString(bytes, 0, length)}~{FileDigest.Of(bytes)[..DigestDigits]}";
    }
}
