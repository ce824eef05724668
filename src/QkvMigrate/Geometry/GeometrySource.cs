using QkvMigrate.Attention;
using QkvMigrate.Configuration;

namespace QkvMigrate.Geometry;

/// <summary>A place that can give the geometry. A file that cannot be read is only an error where its numbers are needed.</summary>
internal abstract class GeometrySource
{
    /// <summary>What the source says.</summary>
    /// <exception cref="MigrationException">It could not be read.</exception>
    public abstract ConfigurationNumbers Numbers { get; }

    /// <summary>Whether it is about attention at all, as far as that can be told.</summary>
    public abstract bool SaysSomething { get; }

    /// <summary>Whether it says enough for a geometry, as far as that can be told.</summary>
    protected abstract bool SaysEnough { get; }

    /// <summary>A source that says <paramref name="numbers"/>.</summary>
    public static GeometrySource Of(ConfigurationNumbers numbers) => new Readable(numbers);

    /// <summary>The source that a configuration file is.</summary>
    public static GeometrySource Read(string path, string name)
    {
        try
        {
            return Of(ConfigurationReader.Read(path, name));
        }
        catch (MigrationException error)
        {
            return new Unreadable(error);
        }
    }

    /// <summary>
    /// Says where this source, which was not used, says something else than <paramref name="geometry"/> of
    /// <paramref name="used"/>; one that says too little says nothing.
    /// </summary>
    public string? Contradiction(AttentionGeometry geometry, string used)
    {
        if (!SaysEnough)
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

    private sealed class Readable(ConfigurationNumbers numbers) : GeometrySource
    {
        public override ConfigurationNumbers Numbers => numbers;

        public override bool SaysSomething => numbers.HeadCount is not null;

        protected override bool SaysEnough => SaysSomething && (numbers.HeadSize ?? numbers.EmbeddingSize) is not null;
    }

    private sealed class Unreadable(MigrationException failure) : GeometrySource
    {
        public override ConfigurationNumbers Numbers => throw failure;

        public override bool SaysSomething => true;

        protected override bool SaysEnough => true;
    }
}
