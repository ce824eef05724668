namespace QkvMigrate.Pickling;

/// <summary>One opcode with its argument, as byte positions in the pickle.</summary>
/// <param name="Opcode">What it does.</param>
/// <param name="Offset">Where the opcode stands.</param>
/// <param name="ArgumentOffset">Where the payload of the argument starts: behind a length prefix, if there is one.</param>
/// <param name="ArgumentLength">Bytes of the payload, without a length prefix and without a line's end.</param>
/// <param name="End">Where the next instruction starts.</param>
internal readonly record struct PickleInstruction(PickleOpcode Opcode, int Offset, int ArgumentOffset, int ArgumentLength, int End);
