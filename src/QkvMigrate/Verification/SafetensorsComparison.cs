using QkvMigrate.Checkpoints.Safetensors;

namespace QkvMigrate.Verification;

/// <summary>A safetensors file: a JSON text with names, then the tensors' bytes (safetensors/README.md, Format).</summary>
internal static class SafetensorsComparison
{
    /// <summary>The tensors start on a multiple of as many bytes (safetensors/src/tensor.rs, <c>prepare</c>).</summary>
    private const int Alignment = 8;

    private const string Place = "safetensors header";

    /// <summary>Compares the headers. Returns the tensors in pairs, whose bytes are still to be compared.</summary>
    public static IReadOnlyList<RegionPair>? Compare(
        SafetensorsCheckpoint original,
        SafetensorsCheckpoint upgraded,
        ExpectedChanges changes,
        DifferenceLog log,
        ProofLog proofs)
    {
        var (before, after) = (original.Header, upgraded.Header);
        var text = JsonComparison.Compare(
            before.Json,
            after.Json,
            key => key.Depth == 1 ? changes.Renames.GetValueOrDefault(key.Start, key.Text) : key.Text,
            Place,
            SafetensorsHeader.LengthBytes,
            log);
        if (text is not var (_, end))
        {
            return null;
        }

        // The spaces at the end keep the tensors in their place, or where they cannot, on a multiple of 8.
        var needed = Math.Max(end - before.Json.Length, 0);
        var expected = before.Json.Length + ((needed + Alignment - 1) / Alignment * Alignment);
        if (after.Json.Length != expected || after.Json.Span[end..].ContainsAnyExcept((byte)' '))
        {
            log.Add(Place, $"{after.Json.Length - end} bytes behind its text, expected {expected - end} spaces", SafetensorsHeader.LengthBytes + end);
        }

        proofs.Cover("header", "its JSON text, token by token and what stands between them, and the spaces behind it");
        return StorageRegions.Pair(original, before.DataOffset, upgraded, after.DataOffset, changes, log);
    }
}
