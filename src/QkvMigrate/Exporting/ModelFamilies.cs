using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>The families of Hugging Face's models that LitGPT's can become, one file each in <c>Exporting/Families</c>.</summary>
internal static class ModelFamilies
{
    private const string Folder = "QkvMigrate.Exporting.Families.";

    private static readonly Lazy<IReadOnlyList<ModelFamily>> Loaded = new(Load);

    /// <summary>All, by name.</summary>
    public static IReadOnlyList<ModelFamily> All => Loaded.Value;

    /// <summary>
    /// The family of a model: the one that its name tells, where that is one of LitGPT's; else the one whose blocks it has.
    /// Either way its configuration must meet what the family requires.
    /// </summary>
    /// <exception cref="MigrationException">There is no such family, or name and configuration contradict each other.</exception>
    public static ModelFamily Of(ModelConfiguration model)
    {
        var named = All.Where(family => family.HasName(model.Name)).ToList();
        var fitting = (named.Count > 0 ? named : All.Where(family => !family.IsToldByName)).ToLookup(family => !family.Unmet(model, named.Count > 0).Any());
        if (fitting[true].ToList() is [var family])
        {
            return family;
        }

        if (fitting[true].Skip(1).Any())
        {
            throw new InvalidOperationException($"several families fit the model '{model.Name}': {string.Join(", ", fitting[true].Select(other => other.Name))}");
        }

        var nearest = fitting[false].MinBy(other => other.Unmet(model, named.Count > 0).Count())!;
        var unmet = nearest.Unmet(model, named.Count > 0).First();
        throw named.Count > 0
            ? new MigrationException(FailureKind.Conflict, $"the model's name '{model.Name}' is one of {nearest.Title}, but {unmet}")
            : new MigrationException(
                FailureKind.Unsupported,
                $"no model of Hugging Face's that this tool knows is built like '{model.Name}'; the nearest is {nearest.Title}, but {unmet}");
    }

    private static IReadOnlyList<ModelFamily> Load()
    {
        var assembly = typeof(ModelFamilies).Assembly;
        return ModelFamilyReader.Read(assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Select(name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }));
    }
}
