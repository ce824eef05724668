using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning;

/// <summary>
/// A name that changes: the key of a tensor, a module path in <c>_metadata</c>, a parameter of an optimizer, a key on the way to
/// a tensor.
/// </summary>
/// <param name="Name">The name as it is.</param>
/// <param name="NewName">The name afterwards.</param>
public sealed record NameChange(NameEntry Name, string NewName);
