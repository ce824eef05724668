using System.Reflection;

namespace QkvMigrate.Cli.Tests.Support;

/// <summary>What the build wrote into this assembly about the repository that it was built in.</summary>
internal static class BuildFacts
{
    /// <summary>The program under test: the one that QKVMIGRATE_PROGRAM names, such as a published one, or else the built host that runs <c>qkvmigrate.dll</c>.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("QKVMIGRATE_PROGRAM") ?? Path.ChangeExtension(Metadata("Program"), OperatingSystem.IsWindows() ? ".exe" : null);

    /// <summary>Whether the program under test is native code, which starts in no time and needs no runtime.</summary>
    public static bool IsNative { get; } = !File.Exists(Path.ChangeExtension(Program, ".dll"));

    /// <summary>The built sample program.</summary>
    public static string Sample { get; } = Path.ChangeExtension(Metadata("Sample"), null);

    /// <summary>Debug or Release.</summary>
    public static string Configuration { get; } = Metadata("Configuration");

    private static string Metadata(string key) =>
        typeof(BuildFacts).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
