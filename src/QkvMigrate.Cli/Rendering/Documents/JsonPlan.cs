namespace QkvMigrate.Cli.Rendering.Documents;

/// <summary>What happens to which tensor; runs are [first source row, rows] in the order of the destination.</summary>
internal sealed record JsonPlan(IReadOnlyList<JsonMove> Moves, IReadOnlyList<JsonRename> Names, IReadOnlyList<int[]> Runs);

/// <summary>One tensor; byte ranges are [offset in the source, length].</summary>
internal sealed record JsonMove(
    string From,
    string To,
    string Dtype,
    IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides,
    IReadOnlyList<long>? NewShape,
    int? Dimension,
    IReadOnlyList<long[]> ByteRanges);

/// <summary>A name that changes.</summary>
internal sealed record JsonRename(string From, string To);
