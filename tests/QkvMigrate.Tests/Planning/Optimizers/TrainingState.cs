using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Planning.Optimizers;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Planning.Optimizers;

/// <summary>
/// A legacy model of 4 heads in 2 groups of 4 rows beside an optimizer, in a folder of its own. <c>mlp.fc</c> has the shape of the
/// fused matrix, so that shapes alone do not tell the two apart.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    public const string Fused = "transformer.h.0.attn.attn.weight";
    public const string Other = "transformer.h.0.mlp.fc.weight";
    public const string Embedding = "transformer.wte.weight";
    public const int Rows = 32;
    public const int Columns = 5;

    private static readonly int[] Heads = [0, 1, 4, 5, 2, 6, 3, 7];
    private readonly WorkFolder folder = new();

    public PickledFile File { get; } = new();

    /// <summary>What the last run that was not refused advised, the general advice aside.</summary>
    public IReadOnlyList<Advice> Advice { get; private set; } = [];

    public static AttentionGeometry Geometry { get; } = new(4, 2, 4);

    public string Original => folder.At("lit_model.pth");

    public string Upgraded => folder.At("upgraded.pth");

    /// <summary>A matrix of the fused shape.</summary>
    public string Matrix() => File.Floats(Rows, Columns);

    /// <summary>The model: its embedding, the fused matrix, and one of the same shape.</summary>
    public string Model(string front = "") =>
        Dict((front + Embedding, File.Floats(7, Columns)), (front + Fused, Matrix()), (front + Other, Matrix()));

    /// <summary>An optimizer of groups of parameters, which are code: numbers or names.</summary>
    public static string Optimizer(string state, params string[] groups) => Dict(("state", state), ("param_groups", List(groups)));

    /// <summary>A dict whose keys are code.</summary>
    public static string Keyed(params IEnumerable<(string Key, string Value)> entries) => $"}}({string.Concat(entries.Select(entry => entry.Key + entry.Value))}u";

    public static string Group(params string[] parameters) => Dict(("lr", Int(1)), ("params", List(parameters)));

    public static string NamedGroup(string[] parameters, params string[] names) =>
        Dict(("lr", Int(1)), ("params", List(parameters)), ("param_names", List(names.Select(Text))));

    public void Write(bool isBefore16, params (string Key, string Value)[] objects) => System.IO.File.WriteAllBytes(Original, File.Write(Dict(objects), isBefore16));

    /// <summary>Upgrades the file; the labels of the tensors whose rows moved. All others must be as they were.</summary>
    public IReadOnlyList<string> Upgrade(OptimizerOrder order = OptimizerOrder.Proven)
    {
        var report = Run(Original, Upgraded, MigrationDirection.Upgrade, order);
        Assert.Null(report.Error);
        Advice = report.Advice;
        using var before = Checkpoint.Open(Original);
        using var after = Checkpoint.Open(Upgraded);
        Assert.Equal(before.Tensors.Count, after.Tensors.Count);
        return [.. before.Tensors.Zip(after.Tensors).Where(pair => IsMoved(pair.First, pair.Second)).Select(pair => pair.Second.Label)];
    }

    /// <summary>The line by which an upgrade is refused.</summary>
    public string Refusal(OptimizerOrder order = OptimizerOrder.Proven)
    {
        var report = Run(Original, Upgraded, MigrationDirection.Upgrade, order);
        Assert.NotNull(report.Error);
        Assert.False(System.IO.File.Exists(Upgraded));
        return report.Error.Problem;
    }

    /// <summary>The way back must give the old bytes.</summary>
    public void AssertWayBack(OptimizerOrder order = OptimizerOrder.Proven)
    {
        var report = Run(Upgraded, folder.At("back.pth"), MigrationDirection.Downgrade, order);
        Assert.Null(report.Error);
        Assert.Equal(System.IO.File.ReadAllBytes(Original), System.IO.File.ReadAllBytes(folder.At("back.pth")));
    }

    public VerificationReport Verify(bool isOptimizerInModelOrder = false)
    {
        using var before = Checkpoint.Open(Original);
        var options = new VerificationOptions { IsOptimizerInModelOrder = isOptimizerInModelOrder };
        using var begun = CheckpointVerifier.Begin(before, Upgraded, [], options);
        return begun.Run(Geometry, TestContext.Current.CancellationToken);
    }

    /// <summary>Verifies the upgrade with the tensor of a label as it was, or moved where it was not.</summary>
    public VerificationReport VerifyMutant(string label)
    {
        var bytes = System.IO.File.ReadAllBytes(Upgraded);
        using (var before = Checkpoint.Open(Original))
        using (var after = Checkpoint.Open(Upgraded))
        {
            var (place, tensor) = Assert.Single(before.Tensors.Zip(after.Tensors), pair => pair.Second.Label == label);
            var old = place.Storage.Source.Read(place.FileOffset, (int)place.Extent);
            var now = bytes.AsSpan((int)tensor.FileOffset, (int)tensor.Extent);
            (now.SequenceEqual(old) ? Permuted(old) : old).CopyTo(now);
        }

        System.IO.File.WriteAllBytes(Upgraded, bytes);
        return Verify();
    }

    public void Dispose() => folder.Dispose();

    private static CheckpointReport Run(string from, string to, MigrationDirection direction, OptimizerOrder order) => Assert.Single(Migrator.Run(
        new MigrationRequest
        {
            Path = from,
            Output = to,
            Direction = direction,
            Geometry = new GeometryFlags(Geometry.HeadCount, Geometry.QueryGroupCount, Geometry.HeadSize),
            OptimizerOrder = order,
            Verification = null,
            Force = true,
            Engine = () => new StreamReorderEngine(),
        },
        TestContext.Current.CancellationToken));

    private static bool IsMoved(TensorEntry before, TensorEntry after)
    {
        var (old, now) = (before.Storage.Source.Read(before.FileOffset, (int)before.Extent), after.Storage.Source.Read(after.FileOffset, (int)after.Extent));
        if (old.AsSpan().SequenceEqual(now))
        {
            return false;
        }

        Assert.Equal(Permuted(old), now);
        return true;
    }

    /// <summary>The heads of the interleaved matrix in the sequential one's order.</summary>
    private static byte[] Permuted(byte[] bytes)
    {
        var head = bytes.Length / Heads.Length;
        return [.. Heads.SelectMany(source => bytes.AsSpan(source * head, head).ToArray())];
    }
}
