using System.Collections.Concurrent;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>Checkpoints by a number: the legacy one, and what an upgrade makes of it.</summary>
internal static class Versions
{
    public const string Configuration = "name: x\nn_embd: 16\nn_head: 4\nn_query_groups: 2\n";

    private static readonly ConcurrentDictionary<int, (byte[] Legacy, byte[] Sequential)> Made = new();

    public static byte[] Legacy(int version) => Both(version).Legacy;

    public static byte[] Sequential(int version) => Both(version).Sequential;

    private static (byte[] Legacy, byte[] Sequential) Both(int version) => Made.GetOrAdd(version, static version =>
    {
        using var folder = new WorkFolder();
        var engine = new StreamReorderEngine();
        var legacy = (LegacyModel.Legacy with { Step = version }).ToFile();
        File.WriteAllBytes(folder.At("lit_model.pth"), legacy);
        File.WriteAllText(folder.At("model_config.yaml"), Configuration);
        var request = new MigrationRequest { Path = folder.At("lit_model.pth"), InPlace = true, Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run(request, CancellationToken.None)[0].Error is { } error ? throw error : (legacy, File.ReadAllBytes(folder.At("lit_model.pth")));
    });
}
