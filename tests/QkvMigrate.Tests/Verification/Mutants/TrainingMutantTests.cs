using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Optimizers;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Verification.Mutants;

/// <summary>
/// A training state whose upgrade has one thing wrong in its objects: an entry of the state that is gone or too many, a moment with
/// another parameter's, an old name that was left, an optimizer that was dropped by half. All tensors and checksums are right.
/// </summary>
public sealed class TrainingMutantTests : IDisposable
{
    private const int Rows = TrainingState.Rows;
    private const int Columns = TrainingState.Columns;

    private static readonly string[] OldNames =
        [TrainingState.Embedding, TrainingState.Fused, TrainingState.Other, "transformer.h.1.attn.attn.weight", "transformer.h.1.mlp.fc.weight"];

    private static readonly string[] NewNames = [.. OldNames.Select(name => name.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal))];

    private readonly TrainingState state = new();
    private readonly List<string> tensors = [];

    public static TheoryData<string, bool> Forms => new()
    {
        { "by number", false },
        { "by number", true },
        { "by name", false },
        { "by name", true },
        { "by param_names", false },
        { "by param_names", true },
    };

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Forms))]
    public void Each_single_thing_that_is_wrong_is_found(string form, bool isBefore16)
    {
        var count = 0;
        Upgrade(form, isBefore16, dropOptimizer: false);
        Assert.Empty(Differences(Objects(form, NewNames), isBefore16));
        foreach (var (what, mutant) in Objects(form, NewNames).Mutants(OldNames))
        {
            Assert.True(Differences(mutant, isBefore16).Count > 0, what);
            count++;
        }

        Assert.InRange(count, 250, int.MaxValue);
    }

    [Theory]
    [InlineData("by number")]
    [InlineData("by name")]
    [InlineData("by param_names")]
    public void An_optimizer_that_was_dropped_by_half_is_found(string form)
    {
        Upgrade(form, isBefore16: false, dropOptimizer: true);
        Assert.Empty(Differences(Objects(form, NewNames).WithoutOptimizer(), isBefore16: false, isWithoutOptimizer: true));

        // With the storages of all that was left, and with those of nothing that was.
        foreach (var isWhole in new[] { false, true })
        {
            Upgrade(form, isBefore16: false, dropOptimizer: !isWhole);
            foreach (var half in Objects(form, NewNames).HalfDropped())
            {
                Assert.NotEmpty(Differences(half, isBefore16: false, isWithoutOptimizer: true));
            }
        }

        Assert.NotEmpty(Differences(Objects(form, NewNames).WithoutOptimizer(), isBefore16: false, isWithoutOptimizer: true));
    }

    private Training Objects(string form, string[] names)
    {
        if (tensors.Count == 0)
        {
            tensors.AddRange(Enumerable.Range(0, 3).SelectMany(_ => names.Select(name => name == TrainingState.Embedding ? state.File.Floats(7, Columns) : state.File.Floats(Rows, Columns))));
        }

        IReadOnlyList<string> keys = [.. names.Select((name, number) => form == "by name" ? Text(name) : Int(number))];
        return new Training(
            [.. names.Zip(tensors)],
            [.. keys.Select((key, number) => (key, (IReadOnlyList<(string, string)>)[("step", Int(3)), ("exp_avg", tensors[names.Length + number]), ("exp_avg_sq", tensors[(2 * names.Length) + number])]))],
            keys,
            form == "by param_names" ? names : null);
    }

    private void Upgrade(string form, bool isBefore16, bool dropOptimizer)
    {
        File.WriteAllBytes(state.Original, state.File.Write(Objects(form, OldNames).Code(), isBefore16));
        Assert.Null(Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = state.Original,
                Output = state.Upgraded,
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(TrainingState.Geometry.HeadCount, TrainingState.Geometry.QueryGroupCount, TrainingState.Geometry.HeadSize),
                DropOptimizer = dropOptimizer,
                Force = true,
                Engine = () => new StreamReorderEngine(),
            },
            TestContext.Current.CancellationToken)).Error);
    }

    /// <summary>What a verification says of the upgrade with other objects; why it could not be made, where it was not.</summary>
    private IReadOnlyList<string> Differences(Training objects, bool isBefore16, bool isWithoutOptimizer = false)
    {
        var upgraded = File.ReadAllBytes(state.Upgraded);
        File.WriteAllBytes(state.Upgraded, isBefore16 ? Before16(upgraded, objects) : Zip(upgraded, objects));
        try
        {
            using var before = Checkpoint.Open(state.Original);
            using var begun = CheckpointVerifier.Begin(before, state.Upgraded, [], new VerificationOptions { IsWithoutOptimizer = isWithoutOptimizer });
            return [.. begun.Run(TrainingState.Geometry, TestContext.Current.CancellationToken).Differences.Select(difference => difference.ToString())];
        }
        catch (MigrationException error)
        {
            return [error.Message];
        }
        finally
        {
            File.WriteAllBytes(state.Upgraded, upgraded);
        }
    }

    private static byte[] Zip(byte[] upgraded, Training objects) =>
        ZipRelay.Lay(upgraded, part => part.Name.EndsWith("data.pkl", StringComparison.Ordinal) ? part with { Content = Pickle(objects.Code()) } : part);

    /// <summary>The storages stand at the end of the file.</summary>
    private byte[] Before16(byte[] upgraded, Training objects)
    {
        var storages = tensors.Count / OldNames.Length * (sizeof(long) + (7 * Columns * sizeof(float)) + ((OldNames.Length - 1) * (sizeof(long) + (Rows * Columns * sizeof(float)))));
        var written = state.File.Write(objects.Code(), isBefore16: true);
        return [.. written[..^storages], .. upgraded[^storages..]];
    }
}
