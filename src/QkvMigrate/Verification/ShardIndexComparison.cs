using System.Text.Json;
using QkvMigrate.Checkpoints.Sharded;
using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>Holds two indexes of shards against each other: the keys of <c>weight_map</c> change as the tensors' names do, nothing else does.</summary>
internal static class ShardIndexComparison
{
    private const string WeightMap = "weight_map";

    /// <summary>Compares the indexes.</summary>
    public static void Compare(string original, string upgraded, VerifiedChange change, string place, DifferenceLog log)
    {
        try
        {
            var before = SourceFile.ReadAll(original, ShardIndex.MaximumBytes, "an index");
            var after = SourceFile.ReadAll(upgraded, ShardIndex.MaximumBytes, "an index");
            var end = JsonComparison.Compare(
                before,
                after,
                name => name is { Depth: 2, Parent: WeightMap } ? FusedName.After(name.Text, change) : name.Text,
                place,
                0,
                log);
            if (end is { } last && !after.AsSpan(last.After).SequenceEqual(before.AsSpan(last.Before)))
            {
                log.Add(place, "other bytes behind its text", last.After);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            log.Add(place, "it is no JSON");
        }
        catch (MigrationException error) when (error.Kind != FailureKind.Io)
        {
            log.Add(place, error.Problem);
        }
    }
}
