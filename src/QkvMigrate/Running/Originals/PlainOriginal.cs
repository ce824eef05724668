using System.Diagnostics;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Writing;

namespace QkvMigrate.Running.Originals;

/// <summary>Holds a file to which nothing was done against its checksum.</summary>
internal static class PlainOriginal
{
    /// <summary>Proves a file. What is wrong with it is in the report.</summary>
    public static OriginalReport Prove(string path, string expected, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            return FileIdentity.Of(path) is null
                ? new OriginalReport { Path = path, ExpectedSha256 = expected, Problem = "there is a checksum for it, and no such file" }
                : Compare(path, expected, cancellation) with { Elapsed = watch.Elapsed };
        }
        catch (MigrationException error)
        {
            return new OriginalReport { Path = path, ExpectedSha256 = expected, Error = error.InFile(path), Elapsed = watch.Elapsed };
        }
    }

    /// <summary>Compares the file's own SHA-256.</summary>
    /// <exception cref="MigrationException">The file cannot be read, or changes meanwhile.</exception>
    public static OriginalReport Compare(string path, string expected, CancellationToken cancellation)
    {
        using var file = SourceFile.Open(path);
        var builder = new FilePlanBuilder();
        builder.Copy(file, 0, file.Length);
        var digest = FilePlanDigest.Of(builder.Build(), cancellation);
        return new OriginalReport
        {
            Path = path,
            ExpectedSha256 = expected,
            Sha256 = digest,
            HashedBytes = file.Length,
            Problem = digest == expected ? null : $"nothing that upgrade or downgrade does is in it, and its SHA-256 is {digest}, expected {expected}",
        };
    }
}
