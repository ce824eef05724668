namespace QkvMigrate.Verification;

/// <summary>Keeps the first differences and counts the others, so that two files without a byte in common cost no memory.</summary>
internal sealed class DifferenceLog
{
    /// <summary>How many differences are kept.</summary>
    public const int Kept = 10;

    // There is a log for each region, and most stay empty.
    private List<Difference>? first;

    /// <summary>The first differences, in order.</summary>
    public IReadOnlyList<Difference> First => first ?? (IReadOnlyList<Difference>)[];

    /// <summary>All differences.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a difference.</summary>
    public void Add(Difference difference)
    {
        Count++;
        if (First.Count < Kept)
        {
            (first ??= []).Add(difference);
        }
    }

    /// <summary>Adds a difference that has no place within a tensor.</summary>
    public void Add(string place, string problem, long? offset = null) => Add(new Difference(place, problem) { Offset = offset });

    /// <summary>Adds what another log has, behind what this one has.</summary>
    public void Add(DifferenceLog other)
    {
        foreach (var difference in other.First)
        {
            Add(difference);
        }

        Count += other.Count - other.First.Count;
    }
}
