using QkvMigrate.Verification.Merging;

namespace QkvMigrate.Verification;

/// <summary>A region of both files: an entry of a zip, a storage, what stands between two storages.</summary>
/// <param name="Kind">What it is: "zip entry".</param>
/// <param name="Name">Its name, or that of what it stands before; null where there is only one of its kind.</param>
/// <param name="Before">The first file's.</param>
/// <param name="After">The second file's.</param>
/// <param name="StorageKey">The storage that it holds, or null where it holds none.</param>
/// <param name="Moved">The views in it whose rows move, in the order of their first bytes.</param>
/// <param name="ComparesBytes">False for what is compared by its meaning instead: a pickle, the matrix of an expanded LoRA, a merged weight.</param>
internal sealed record RegionPair(
    string Kind,
    string? Name,
    FileRegion Before,
    FileRegion After,
    string? StorageKey,
    IReadOnlyList<MovedView> Moved,
    bool ComparesBytes = true)
{
    /// <summary>The weight that a LoRA was added to, whose storage this is; null for all else.</summary>
    public MergedWeight? Merged { get; init; }

    /// <summary>Where the region starts in the first file's storage, in bytes.</summary>
    public long Start { get; init; }

    /// <summary>Whether it is a storage that a moved tensor got for itself.</summary>
    public bool IsOwn { get; init; }

    /// <summary>The runs of bytes that move, from the start of the region, in the order of the second file.</summary>
    public IEnumerable<MovedRun> Runs()
    {
        var runs = MovedRuns.InOrder(Moved);
        return Start == 0 ? runs : runs.Select(Shift);
    }

    /// <summary>Some of the runs: the first and last row of each head.</summary>
    public IEnumerable<MovedRun> SampledRuns() => Moved.SelectMany(view => view.SampledRuns()).Select(Shift);

    private MovedRun Shift(MovedRun run) => new(run.Target - Start, run.Source - Start, run.Length);

    /// <summary>How reports name it.</summary>
    public string Place => Name is null ? Kind : $"{Kind} '{Name}'";
}
