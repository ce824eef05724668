namespace QkvMigrate.Pickling;

/// <summary>Bytes of a pickle that are replaced by others; a whole instruction or several.</summary>
/// <param name="Offset">The first byte that is replaced.</param>
/// <param name="Length">How many bytes are replaced.</param>
/// <param name="Replacement">What stands there instead.</param>
internal readonly record struct PickleEdit(int Offset, int Length, ReadOnlyMemory<byte> Replacement);
