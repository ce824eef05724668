namespace QkvMigrate.Checkpoints;

/// <summary>A place in a checkpoint where a name stands and can be changed.</summary>
/// <param name="Id">The place's number, unique in its checkpoint and meaningful to its format alone.</param>
/// <param name="Text">The name.</param>
/// <param name="Role">What it names.</param>
public sealed record NameEntry(int Id, string Text, NameRole Role);
