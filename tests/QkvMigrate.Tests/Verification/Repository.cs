using System.Runtime.CompilerServices;

namespace QkvMigrate.Tests.Verification;

/// <summary>Where the repository's files are, beside this one.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
