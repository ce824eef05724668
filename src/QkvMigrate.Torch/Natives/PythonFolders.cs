using System.Globalization;

namespace QkvMigrate.Torch.Natives;

/// <summary>
/// Where a Python finds its packages, told by how environments are laid out (site.py and sysconfig of Python, PEP 405, and
/// Debian's <c>dist-packages</c>), without asking it.
/// </summary>
internal static class PythonFolders
{
    private const string EnvironmentFile = "pyvenv.cfg";
    private const string Prefix = "python3.";

    /// <summary>
    /// Folders of packages of the interpreter at <paramref name="path"/>. A virtual environment is known by where its
    /// interpreter is called, though that is a link to another; of others the link's target tells as well.
    /// </summary>
    public static IEnumerable<string> OfInterpreter(string path) =>
        File.Exists(Path.Combine(Environment(path), EnvironmentFile)) ? OfEnvironment(Environment(path)) : OfInstalled(path);

    /// <summary>Folders of packages of the environment in <paramref name="folder"/>, those of its own Python first.</summary>
    public static IEnumerable<string> OfEnvironment(string folder) =>
        OfEnvironment(folder, Version(Target(Path.Combine(folder, "bin", "python3")))).Concat(OfBase(folder));

    /// <summary>Of an interpreter that is in no virtual environment: the user's own packages come before those of all.</summary>
    private static IEnumerable<string> OfInstalled(string path)
    {
        var target = Target(path);
        var user = Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".local");
        return new[] { user, Environment(path), Environment(target) }
            .Distinct(StringComparer.Ordinal)
            .SelectMany(folder => OfEnvironment(folder, Version(target)));
    }

    private static IEnumerable<string> OfEnvironment(string folder, int? version)
    {
        IEnumerable<string> places = [Path.Combine(folder, "local", "lib"), Path.Combine(folder, "lib"), Path.Combine(folder, "lib64")];
        foreach (var place in places.Where(Directory.Exists))
        {
            var versions = Directory.EnumerateDirectories(place, $"{Prefix}*")
                .OrderByDescending(name => Version(name) == version)
                .ThenByDescending(Version)
                .Where(name => version is null || Version(name) == version);
            foreach (var python in versions.Append(Path.Combine(place, "python3")))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }

    /// <summary>Of the Python that a virtual environment was made of, where it says that it sees that one's packages.</summary>
    private static IEnumerable<string> OfBase(string folder)
    {
        var fields = Fields(Path.Combine(folder, EnvironmentFile));
        return fields.GetValueOrDefault("include-system-site-packages") == "true" && fields.GetValueOrDefault("home") is { Length: > 0 } home
            ? OfInstalled(Path.Combine(home, "python3"))
            : [];
    }

    private static Dictionary<string, string> Fields(string file)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in File.Exists(file) ? File.ReadLines(file) : [])
        {
            if (line.Split('=', 2, StringSplitOptions.TrimEntries) is [var name, var value])
            {
                fields[name] = value;
            }
        }

        return fields;
    }

    /// <summary>The environment of an interpreter: it is in the folder <c>bin</c> of it.</summary>
    private static string Environment(string interpreter) => Path.GetDirectoryName(Path.GetDirectoryName(interpreter)) ?? "/";

    private static string Target(string path) =>
        File.Exists(path) ? File.ResolveLinkTarget(Path.GetFullPath(path), returnFinalTarget: true)?.FullName ?? path : path;

    /// <summary>11 for <c>python3.11</c>, or null for a name that does not tell.</summary>
    private static int? Version(string path)
    {
        var name = Path.GetFileName(path);
        return name.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            ? minor
            : null;
    }
}
