namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>Makes the failures of this folder.</summary>
internal static class SafetensorsFailure
{
    /// <summary>The header breaks the rules; <paramref name="position"/> counts from its <c>{</c>.</summary>
    public static MigrationException Header(long position, string problem) =>
        new(FailureKind.Malformed, problem, where: "safetensors header", offset: SafetensorsHeader.LengthBytes + position);

    /// <summary>A tensor's description breaks the rules.</summary>
    public static MigrationException Tensor(string name, string problem) =>
        new(FailureKind.Malformed, problem, where: $"tensor '{name}'");
}
