namespace QkvMigrate.Running.Batches;

/// <summary>How far the writing of a unit has come.</summary>
internal enum ManifestState
{
    /// <summary>Begun, and to be done again: in the output is what was there before, what was made since, or some of both.</summary>
    Writing,

    /// <summary>The result is on the disk under its name.</summary>
    Finished,
}
