using QkvMigrate.Files;

namespace QkvMigrate.Torch.Natives;

/// <summary>Finds the libtorch that a run takes.</summary>
/// <param name="Named">What <c>--libtorch</c> named, or null.</param>
/// <param name="Beside">The folders where the program's own libraries lie.</param>
/// <param name="Variable">Reads a variable of the environment.</param>
internal sealed record LibtorchSearch(string? Named, IReadOnlyList<string> Beside, Func<string, string?> Variable)
{
    /// <summary>The variable that names a libtorch as <c>--libtorch</c> does.</summary>
    public const string NamingVariable = "QKVMIGRATE_LIBTORCH";

    private const string Option = "--libtorch";
    public const string WhoNeedsIt = "only generate, bench, verify --forward, --lora merge and --engine torch need it";

    /// <summary>An activated environment of Python's, and one of conda's.</summary>
    private static readonly string[] Environments = ["VIRTUAL_ENV", "CONDA_PREFIX"];

    /// <summary>
    /// The one that was named, else the one beside the program, else that of the environment that is active. What was named
    /// counts alone: another is never taken in its place.
    /// </summary>
    /// <exception cref="MigrationException">There is none.</exception>
    public Libtorch Find() =>
        Name(Named, Option) ?? Name(Value(NamingVariable), NamingVariable) ?? OwnOrActive() ?? throw new MigrationException(FailureKind.Unavailable, Missing());

    private static Libtorch? Name(string? path, string origin)
    {
        if (path is null)
        {
            return null;
        }

        var whole = Path.GetFullPath(SystemPath.Follow(path));
        return LibtorchLayout.Find(whole) is { } folder ? Found(folder, origin)
            : throw new MigrationException(FailureKind.Unavailable, Problem(whole), $"{origin} {path}");
    }

    private static Libtorch Found(string folder, string origin) => new(folder, origin, LibtorchVersion.Of(folder));

    private static string Problem(string path) =>
        !Path.Exists(path) ? "no such file or directory"
        : LibtorchLayout.Folders(path).ToList() is { Count: > 0 } folders ? $"no {LibtorchLayout.Landmark} there, looked in {string.Join(", ", folders)}"
        : $"this file is neither {LibtorchLayout.Landmark} nor a Python interpreter with a folder of packages";

    private Libtorch? OwnOrActive()
    {
        var own = Beside.FirstOrDefault(LibtorchLayout.IsLibtorch);
        return own is not null ? new Libtorch(own, "beside the program", LibtorchVersion.Of(own) ?? LibtorchVersion.Beside)
            : Environments.Select(name => Value(name) is { } path && LibtorchLayout.Find(path) is { } folder ? Found(folder, name) : null)
                .FirstOrDefault(found => found is not null);
    }

    private string Missing()
    {
        var active = Environments.Select(name => Value(name) is { } path ? $"not in {name} ({path})" : $"{name} is not set");
        return $"no libtorch ({LibtorchLayout.Landmark}): not beside the program ({string.Join(", ", Beside)}), {string.Join(", ", active)}; "
            + $"name PyTorch's folder, its environment or its interpreter with {Option} or {NamingVariable}; {WhoNeedsIt}";
    }

    /// <summary>A variable that is set to nothing is taken for one that is not set.</summary>
    private string? Value(string name) => Variable(name) is { Length: > 0 } value ? value : null;
}
