using System.Reflection;

namespace QkvMigrate.Testing;

/// <summary>The repository that the tests were built in.</summary>
internal static class Repository
{
    /// <summary>Its folder.</summary>
    public static string Root { get; } =
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == nameof(Repository)).Value!;

    /// <summary>A path in the repository.</summary>
    public static string At(params string[] names) => Path.Combine([Root, .. names]);

    /// <summary>The names of the directories below <paramref name="names"/>, in order.</summary>
    public static IEnumerable<string> Directories(params string[] names) =>
        Directory.EnumerateDirectories(At(names)).Select(directory => Path.GetFileName(directory)!).Order(StringComparer.Ordinal);
}
