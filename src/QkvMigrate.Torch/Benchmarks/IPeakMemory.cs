namespace QkvMigrate.Torch.Benchmarks;

/// <summary>Counts the most memory that some work takes, without a cost to the work.</summary>
internal interface IPeakMemory
{
    /// <summary>What counts, in words.</summary>
    string Counter { get; }

    /// <summary>Gives freed memory back and starts the count anew.</summary>
    void Reset();

    /// <summary>The peak in bytes, or null where nothing tells.</summary>
    long? Read();
}
