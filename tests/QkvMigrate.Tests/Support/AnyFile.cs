using QkvMigrate.Checkpoints;
using QkvMigrate.Files;

namespace QkvMigrate.Tests.Support;

/// <summary>An open file, for what has to name one and never reads it.</summary>
internal static class AnyFile
{
    public static SourceFile Source { get; } = SourceFile.Open(typeof(AnyFile).Assembly.Location);

    /// <summary>A storage in it.</summary>
    public static StorageEntry Storage(string key, long offset, long length) => new(Source, key, offset, length);
}
