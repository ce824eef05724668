namespace QkvMigrate.Testing.Fuzzing;

/// <summary>A parser with good inputs and the bytes that mean something in its language.</summary>
/// <param name="Seeds">Inputs that it reads, most of them to the end.</param>
/// <param name="Tokens">Words of the language, to put in.</param>
/// <param name="Run">Reads one input; throws <see cref="MigrationException"/> or nothing.</param>
internal sealed record FuzzTarget(IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Tokens, Action<byte[]> Run)
{
    /// <summary>Tokens of one byte each.</summary>
    public static IEnumerable<byte[]> Single(IEnumerable<byte> bytes) => bytes.Select(value => new[] { value });
}
