namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>What a traced run did to a folder.</summary>
/// <param name="Root">The folder.</param>
/// <param name="Names">What the names in it and below stood for before.</param>
/// <param name="Effects">What was done, in order.</param>
/// <param name="Syncs">What was brought to the disk, in order.</param>
/// <param name="Length">The lines of the trace.</param>
internal sealed record TracedRun(
    Node Root,
    IReadOnlyDictionary<(Node Folder, string Name), Node> Names,
    IReadOnlyList<Effect> Effects,
    IReadOnlyList<Sync> Syncs,
    int Length);
