namespace QkvMigrate.Benchmarks;

/// <summary>A benchmark that says how many bytes one run goes through, so that its results have a speed.</summary>
public interface IMeasured
{
    /// <summary>Bytes of one run, for the parameters that are set.</summary>
    long ByteCount { get; }
}
