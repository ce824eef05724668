using System.Reflection;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>The files of the repository that tests read.</summary>
internal static class Repository
{
    private static string Root { get; } =
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Repository").Value!;

    /// <summary>A path in the repository.</summary>
    public static string At(params string[] names) => Path.GetFullPath(Path.Combine([Root, .. names]));

    /// <summary>The names of the directories below <paramref name="names"/>, in order.</summary>
    public static IEnumerable<string> Directories(params string[] names) =>
        Directory.EnumerateDirectories(At(names)).Select(directory => Path.GetFileName(directory)!).Order(StringComparer.Ordinal);
}
