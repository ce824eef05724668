namespace QkvMigrate.Cli.Rendering.Documents;

/// <summary>What the weights say about the geometry; the best is first, and wins or does not.</summary>
internal sealed record JsonEvidence(int Layers, bool HasWinner, IReadOnlyList<JsonScore> Ranking);

/// <summary>The share of the variance of the log row norms that q, k and v explain in one order; the sequential one has no geometry.</summary>
internal sealed record JsonScore(string Layout, int? NHead, int? NQueryGroups, int? HeadSize, double Explained);
