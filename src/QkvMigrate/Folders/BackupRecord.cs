using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Files;

namespace QkvMigrate.Folders;

/// <summary>
/// The backups that were made in a directory, in a small file there (<see cref="RecordNames.Backups"/>), so that nobody takes
/// them for checkpoints. It goes where the directory goes. A file is a backup as long as it bears the name and has the
/// content that were written down: under another name, or with another content, it is a file like any other.
/// </summary>
/// <param name="SchemaVersion">The version of the form.</param>
/// <param name="Backups">The backups, in the order of their names.</param>
internal sealed record BackupRecord(int SchemaVersion, IReadOnlyList<BackupStamp?> Backups)
{
    private const int Version = 1;
    private const int MaximumBytes = 16 << 20;

    /// <summary>The names of the backups that stand in <paramref name="directory"/>.</summary>
    /// <exception cref="MigrationException">The record is none.</exception>
    public static IReadOnlySet<string> NamesIn(string directory) => Read(Path.Combine(directory, RecordNames.Backups)).OfType<BackupStamp>()
        .Where(stamp => Path.GetFileName(stamp.Name) == stamp.Name && stamp.Fits(Path.Combine(directory, stamp.Name)))
        .Select(stamp => stamp.Name)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The record's path for a backup beside it.</summary>
    public static string PathFor(string backup) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(backup))!, RecordNames.Backups);

    /// <summary>The backups that are written down beside <paramref name="backup"/>, without it.</summary>
    /// <exception cref="MigrationException">The record is none.</exception>
    public static IEnumerable<BackupStamp> Others(string backup) =>
        Read(PathFor(backup)).OfType<BackupStamp>().Where(known => known.Name != Path.GetFileName(backup));

    /// <summary>The record of some backups, as it is written.</summary>
    public static byte[] Bytes(IReadOnlyList<BackupStamp> backups) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(new BackupRecord(Version, backups), BackupRecordJson.Default.BackupRecord), (byte)'\n'];

    private static IReadOnlyList<BackupStamp?> Read(string path)
    {
        try
        {
            return SourceFile.ReadAllIfThere(path, MaximumBytes, "a record") is not { } bytes ? []
                : JsonSerializer.Deserialize(bytes, BackupRecordJson.Default.BackupRecord) is { SchemaVersion: Version } record ? record.Backups
                : throw NoRecord(path, null);
        }
        catch (JsonException error)
        {
            throw NoRecord(path, error);
        }
    }

    private static MigrationException NoRecord(string path, Exception? inner) =>
        new(
            FailureKind.Malformed,
            "this is no record of backups that this version of qkvmigrate wrote; remove it, and the backups beside it count as checkpoints again",
            path,
            inner: inner);
}

/// <summary>One backup.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Ends">The digest of its ends, <see cref="FileDigest.Ends"/>.</param>
internal sealed record BackupStamp(string Name, long Bytes, string Ends)
{
    /// <summary>The stamp of <paramref name="file"/> under another name.</summary>
    public static BackupStamp Of(string file, string name) => new(name, FileIdentity.Of(file)?.Size ?? 0, FileDigest.Ends(file, CancellationToken.None));

    /// <summary>Whether <paramref name="file"/> has the content of the backup; one that cannot be read has not.</summary>
    public bool Fits(string file)
    {
        try
        {
            return FileIdentity.Of(file) is { Special: null } found && found.Size == Bytes && FileDigest.Ends(file, CancellationToken.None) == Ends;
        }
        catch (MigrationException)
        {
            return false;
        }
    }
}

/// <summary>The serializer of the record, made when the library is built.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(BackupRecord))]
internal sealed partial class BackupRecordJson : JsonSerializerContext;
