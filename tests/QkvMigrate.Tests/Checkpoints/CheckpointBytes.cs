using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Tests.Support;

namespace QkvMigrate.Tests.Checkpoints;

/// <summary>Checkpoints as arrays of bytes: opened from a file, migrated, and laid down again by the segments' definitions alone.</summary>
internal static class CheckpointBytes
{
    /// <summary>Gives the open checkpoint of <paramref name="bytes"/> to <paramref name="look"/>.</summary>
    public static T Look<T>(byte[] bytes, Func<Checkpoint, T> look)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            using var checkpoint = Checkpoint.Open(path);
            return look(checkpoint);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The message with which opening <paramref name="bytes"/> fails, without the file's path.</summary>
    public static string Refusal(byte[] bytes)
    {
        var error = Xunit.Assert.Throws<MigrationException>(() => Look(bytes, checkpoint => checkpoint.Format));
        return error.Message[(error.File!.Length + ": ".Length)..];
    }

    /// <summary>The file that migrating <paramref name="bytes"/> gives.</summary>
    public static byte[] Migrate(byte[] bytes, Conversion conversion, AttentionGeometry geometry) => Look(bytes, checkpoint =>
    {
        var outline = MigrationPlanner.Outline(AttentionScan.Of(checkpoint), conversion);
        var plan = MigrationPlanner.Plan(outline, new ResolvedGeometry(geometry, "the test", []), new LoraOptions());
        return NaiveLayout.Apply(plan.Rewrite!.Output);
    });
}
