using QkvMigrate.Attention;
using QkvMigrate.Configuration;

namespace QkvMigrate.Geometry;

/// <summary>
/// Finds the geometry of a checkpoint and holds it against every shape. What the command line says in full goes before
/// what lies beside the file; what it says in part completes it, and must not contradict it. Nothing is ever guessed.
/// </summary>
public static class GeometryResolver
{
    /// <summary>The files of a checkpoint's directory that can give a geometry, the best first.</summary>
    private static readonly string[] FileNames = ["model_config.yaml", "lit_config.json", "config.json"];

    /// <summary>Resolves the geometry.</summary>
    /// <param name="flags">What the command line says.</param>
    /// <param name="directory">The checkpoint's directory; null where it is in none.</param>
    /// <param name="shapes">The fused tensors' shapes, at least one.</param>
    /// <param name="otherDirectory">Another directory of the same model, asked after the first: that of a LoRA's base.</param>
    /// <exception cref="MigrationException">There is no geometry, or it does not fit a shape.</exception>
    public static ResolvedGeometry Resolve(GeometryFlags flags, string? directory, IReadOnlyList<AttentionShape> shapes, string? otherDirectory = null)
    {
        List<GeometrySource> found =
        [
            .. Named(flags),
            .. directory is null ? [] : InDirectory(directory, ""),
            .. otherDirectory is null ? [] : InDirectory(otherDirectory, otherDirectory),
        ];
        var (geometry, source) = Choose(flags, found, shapes);
        foreach (var shape in shapes)
        {
            Check(geometry, source, shape);
        }

        return new ResolvedGeometry(geometry, source, [.. found.Select(other => other.Contradiction(geometry, source)).OfType<string>()]);
    }

    private static (AttentionGeometry Geometry, string Source) Choose(GeometryFlags flags, List<GeometrySource> found, IReadOnlyList<AttentionShape> shapes)
    {
        const string commandLine = "--n-head, --n-query-groups and --head-size";
        var given = new ConfigurationNumbers(commandLine, flags.HeadCount, flags.QueryGroupCount, flags.HeadSize);
        if (given is { HeadCount: not null, QueryGroupCount: not null, HeadSize: not null })
        {
            return (given.ToGeometry(), commandLine);
        }

        var hasFlags = given is not { HeadCount: null, QueryGroupCount: null, HeadSize: null };
        var first = found.FirstOrDefault()?.Numbers;
        if (!hasFlags)
        {
            return first is null ? throw NotFound(shapes) : (first.ToGeometry(), first.Source);
        }

        if (first is not null)
        {
            var known = first.ToGeometry();
            CheckAgrees("--n-head", flags.HeadCount, known.HeadCount, first.Source);
            CheckAgrees("--n-query-groups", flags.QueryGroupCount, known.QueryGroupCount, first.Source);
            CheckAgrees("--head-size", flags.HeadSize, known.HeadSize, first.Source);
            return (known, $"{first.Source}, which the flags agree with");
        }

        return (Complete(given, shapes), "the flags and the tensors' shapes");
    }

    /// <summary>Refuses a flag that says something else than the source that it completes.</summary>
    private static void CheckAgrees(string flag, int? said, int known, string source)
    {
        if (said is { } number && number != known)
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"{flag} {number} contradicts {source}, which says {known}; "
                + "give --n-head, --n-query-groups and --head-size together to overrule it");
        }
    }

    /// <summary>
    /// With the columns of <c>attn.proj</c> (n_head·head_size) and the rows (that plus 2·n_query_groups·head_size), any one of
    /// the three numbers gives the other two.
    /// </summary>
    private static AttentionGeometry Complete(ConfigurationNumbers given, IReadOnlyList<AttentionShape> shapes)
    {
        if (shapes.FirstOrDefault(shape => shape.ProjectionColumns is > 0) is not { ProjectionColumns: { } query } shape)
        {
            throw NotFound(shapes);
        }

        var key = (shape.FusedRows - query) / 2;
        var size = given switch
        {
            { HeadSize: { } said } => said,
            { HeadCount: { } heads } => Share("--n-head", heads, "n_head", query, shape),
            { QueryGroupCount: { } groups } => Share("--n-query-groups", groups, "n_query_groups", key, shape),
            _ => throw NotFound(shapes),
        };
        var isDivisor = size > 0 && query % size == 0 && key % size == 0;
        if (!isDivisor || query / size > AttentionGeometry.MaximumNumber || size > AttentionGeometry.MaximumNumber)
        {
            throw new MigrationException(
                FailureKind.Geometry,
                $"heads of {size} rows do not fit {shape.FusedRows} rows and {query} columns of attn.proj",
                where: $"tensor '{shape.Tensor}'");
        }

        var completed = given with
        {
            HeadCount = given.HeadCount ?? (int)(query / size),
            QueryGroupCount = given.QueryGroupCount ?? (int)(key / size),
            HeadSize = (int)size,
        };
        return completed.ToGeometry();
    }

    private static long Share(string flag, int heads, string field, long rows, AttentionShape shape) =>
        heads > 0 && rows % heads == 0
            ? rows / heads
            : throw new MigrationException(
                FailureKind.Geometry,
                $"{flag} {heads} does not divide {field}·head_size = {rows}",
                where: $"tensor '{shape.Tensor}'");

    /// <summary>What <c>--config</c> and <c>--model</c> name.</summary>
    private static IEnumerable<GeometrySource> Named(GeometryFlags flags)
    {
        if (flags.ConfigPath is { } path)
        {
            yield return GeometrySource.Read(path, path);
        }

        if (flags.Model is { } model)
        {
            var noModel = new MigrationException(FailureKind.Usage, $"--model {model}: LitGPT has no model of this name");
            yield return GeometrySource.Of(KnownModels.Find(model) ?? throw noModel);
        }
    }

    /// <summary>
    /// What lies in <paramref name="directory"/>, the best first, and last its name; reports put <paramref name="path"/> before a
    /// file's name.
    /// </summary>
    private static IEnumerable<GeometrySource> InDirectory(string directory, string path)
    {
        var files = FileNames.Where(name => File.Exists(Path.Combine(directory, name)))
            .Select(name => GeometrySource.Read(Path.Combine(directory, name), Path.Combine(path, name)))
            .Where(source => source.SaysSomething);
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(directory));
        var isOutput = name.EndsWith(OutputSuffix.Migrated, StringComparison.Ordinal);
        var byName = KnownModels.Find(name) ?? (isOutput ? KnownModels.Find(name[..^OutputSuffix.Migrated.Length]) : null);
        return [.. files, .. byName is null ? [] : new[] { GeometrySource.Of(byName with { Source = $"the directory's name ({byName.Source})" }) }];
    }

    private static void Check(AttentionGeometry geometry, string source, AttentionShape shape)
    {
        if (shape.FusedRows == geometry.FusedRows && (shape.ProjectionColumns ?? geometry.ProjectionColumns) == geometry.ProjectionColumns)
        {
            return;
        }

        var (rowsFit, expected) = (shape.FusedRows == geometry.FusedRows, $"{geometry} from {source}");
        var found = rowsFit ? "" : $"it has {shape.FusedRows} rows, but {expected} takes {geometry.FusedRows}";
        if (shape.ProjectionColumns is { } columns && columns != geometry.ProjectionColumns)
        {
            found += rowsFit ? "" : "; ";
            found += $"{FusedProjection} has {columns} columns, but {(rowsFit ? expected : "that")} takes {geometry.ProjectionColumns}";
        }

        throw new MigrationException(FailureKind.Geometry, $"{found}; {Remedy(shape)}", where: $"tensor '{shape.Tensor}'");
    }

    private const string FusedProjection = "attn.proj.weight";

    private const string FlagsThatSettle = "--n-head, --n-query-groups and --head-size, --config FILE or --model NAME settle it";

    /// <summary>What the shapes leave open, and the flags that settle it.</summary>
    private static string Remedy(AttentionShape? shape) =>
        shape?.ProjectionColumns is { } columns && shape.FusedRows > columns && (shape.FusedRows - columns) % 2 == 0
            ? $"the shapes say n_head·head_size = {columns} and n_query_groups·head_size = {(shape.FusedRows - columns) / 2}: {FlagsThatSettle}"
            : FlagsThatSettle;

    private static MigrationException NotFound(IReadOnlyList<AttentionShape> shapes) =>
        new(
            FailureKind.Geometry,
            $"no {string.Join(", ", FileNames)} beside the file, and its directory bears no name of a LitGPT model, "
            + $"so where q, k and v stand is not known; {Remedy(shapes.Count > 0 ? shapes[0] : null)}");
}
