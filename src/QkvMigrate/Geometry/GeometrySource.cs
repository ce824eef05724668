using QkvMigrate.Attention;
using QkvMigrate.Configuration;

namespace QkvMigrate.Geometry;

/// <summary>A place that can give the geometry. A file that cannot be read is only an error where its numbers are needed.</summary>
internal sealed class GeometrySource
{
    private readonly ConfigurationNumbers? numbers;
    private readonly MigrationException? failure;

    /// <summary>A source that says <paramref name="numbers"/>.</summary>
    public GeometrySource(ConfigurationNumbers numbers) => this.numbers = numbers;

    private GeometrySource(MigrationException failure) => this.failure = failure;

    /// <summary>What the source says.</summary>
    /// <exception cref="MigrationException">It could not be read.</exception>
    public ConfigurationNumbers Numbers => numbers ?? throw failure!;

    /// <summary>Whether it is about attention at all, as far as that can be told.</summary>
    public bool SaysSomething => numbers is null || numbers.HeadCount is not null;

    /// <summary>The source that a configuration file is.</summary>
    public static GeometrySource Read(string path, string name)
    {
        try
        {
            return new GeometrySource(ConfigurationReader.Read(path, name));
        }
        catch (MigrationException error)
        {
            return new GeometrySource(error);
        }
    }

    /// <summary>
    /// Says where this source, which was not used, says something else than <paramref name="geometry"/> of
    /// <paramref name="used"/>; one that says too little says nothing.
    /// </summary>
    public string? Contradiction(AttentionGeometry geometry, string used)
    {
        if (numbers is { HeadCount: null } or { HeadSize: null, EmbeddingSize: null })
        {
            return null;
        }

        try
        {
            var other = Numbers.ToGeometry();
            return other == geometry ? null : $"{Numbers.Source} says {other}, which is not {geometry} from {used}; the latter was used";
        }
        catch (MigrationException error)
        {
            return $"{error.Message}; {used} was used";
        }
    }
}
