using QkvMigrate.Files;

namespace QkvMigrate.Running.Batches;

/// <summary>What was made of a document, and the file that it was read from.</summary>
/// <param name="File">The file; null where it was gone.</param>
/// <param name="Value">What was made; null where this version cannot read the document.</param>
internal readonly record struct SeenDocument<T>(FileIdentity? File, T? Value)
    where T : class;
