using QkvMigrate.Attention;
using YamlDotNet.RepresentationModel;

namespace QkvMigrate.Configuration;

/// <summary>Finds the geometry of a checkpoint and holds it against every shape. Never guesses.</summary>
public static class GeometryResolver
{
    /// <summary>Resolves the geometry from the command line or from <c>model_config.yaml</c> in <paramref name="directory"/>.</summary>
    /// <exception cref="MigrationException">There is none, or it does not fit a shape.</exception>
    public static ResolvedGeometry Resolve(GeometryFlags flags, string directory, IReadOnlyList<AttentionShape> shapes)
    {
        var numbers = Read(flags.ConfigPath ?? Path.Combine(directory, "model_config.yaml"));
        var heads = flags.HeadCount ?? numbers.GetValueOrDefault("n_head") ?? throw Missing("n_head");
        var groups = flags.QueryGroupCount ?? numbers.GetValueOrDefault("n_query_groups") ?? heads;
        var size = flags.HeadSize ?? numbers.GetValueOrDefault("head_size") ?? (numbers.GetValueOrDefault("n_embd") ?? throw Missing("head_size")) / heads;
        var geometry = new AttentionGeometry(heads, groups, size);
        if (geometry.Problem() is { } problem)
        {
            throw new MigrationException(FailureKind.Geometry, problem);
        }

        foreach (var shape in shapes)
        {
            if (shape.FusedRows != geometry.FusedRows || (shape.ProjectionColumns ?? geometry.ProjectionColumns) != geometry.ProjectionColumns)
            {
                throw new MigrationException(FailureKind.Geometry, $"{shape.FusedRows} rows and {shape.ProjectionColumns} projection columns do not fit {geometry}", where: $"tensor '{shape.Tensor}'");
            }
        }

        return new ResolvedGeometry(geometry, flags.HeadCount is null ? "model_config.yaml" : "--n-head", []);
    }

    private static Dictionary<string, int?> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(path)));
        return ((YamlMappingNode)yaml.Documents[0].RootNode).Children
            .ToDictionary(child => child.Key.ToString(), child => int.TryParse(child.Value.ToString(), out var number) ? number : (int?)null);
    }

    private static MigrationException Missing(string field) =>
        new(FailureKind.Geometry, $"{field} is not known: give --n-head, --n-query-groups and --head-size, or --config FILE");
}
