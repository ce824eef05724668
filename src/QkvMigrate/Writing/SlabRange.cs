namespace QkvMigrate.Writing;

/// <summary>A range of a source that goes into a slab's input.</summary>
/// <param name="Offset">Where it starts in the source.</param>
/// <param name="Length">How many bytes.</param>
internal readonly record struct SlabRange(long Offset, int Length);
