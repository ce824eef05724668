using CsCheck;
using QkvMigrate.Attention;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>
/// Random checkpoints, and of each the right upgrade of another one, which differs in one thing that <c>torch.load</c> would give. It is
/// a sound file, with right checksums, names and orders of rows, and must not be taken for the first one's upgrade.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ChangedObjectTests : IDisposable
{
    private const string Prefix = "transformer.h.";

    private static readonly string[] Kinds =
    [
        "number", "number of a moved row", "name", "name of a fused tensor", "order", "sharing", "gradient", "hook", "step", "type", "shape", "stride", "offset", "tensor gone", "tensor more",
    ];

    private static readonly Gen<(StateDict Model, AttentionGeometry Geometry)> Models =
        from layers in Gen.Int[1, 3]
        from groups in Gen.Int[2, 3]
        from queries in Gen.Int[1, 3]
        from headSize in Gen.Int[1, 4]
        from columns in Gen.Int[2, 5]
        from isTransposed in Gen.Bool.Array[3]
        from offset in Gen.Int[0, 3]
        from isTied in Gen.Bool
        from step in Gen.Int[2, 100_000]
        select (Model(layers, new AttentionGeometry(groups * queries, groups, headSize), columns, isTransposed, offset, isTied, step), new AttentionGeometry(groups * queries, groups, headSize));

    private static readonly Gen<string> Formats = Gen.OneOf("zip", "before 1.6", "safetensors");

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-objects-");
    private readonly StreamReorderEngine engine = new();
    private int counted;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_upgrade_of_another_object_is_none_of_this()
    {
        Gen.Select(Models, Formats, Gen.OneOf(Kinds), Gen.Int[0, 1000]).Sample(
            (model, format, kind, choice) =>
            {
                var original = Bytes(model.Model, format);
                var other = Bytes(Change(model.Model, kind, choice), format);
                if (original.AsSpan().SequenceEqual(other))
                {
                    // Safetensors have no gradients, hooks, strides and offsets, and not each tensor.
                    return;
                }

                var path = Write("original.pth", original);
                if (!Upgrade(path, "right.pth", model.Geometry))
                {
                    // No fused tensor is left: safetensors take dense ones alone.
                    return;
                }

                counted++;
                Assert.Empty(Verify(path, "right.pth", model.Geometry));
                if (Upgrade(Write("other.pth", other), "wrong.pth", model.Geometry))
                {
                    Assert.NotEmpty(Verify(path, "wrong.pth", model.Geometry));
                }
            },
            iter: 600,
            threads: 1,
            seed: "0002YpPnR1v4");
        Assert.True(counted > 300, $"{counted}");
    }

    [Fact]
    public void Another_form_of_the_same_object_is_verified_or_named()
    {
        Gen.Select(Models, Gen.Int[0, 3], Gen.Int[0, 1000]).Sample(
            (model, kind, choice) =>
            {
                var path = Write("original.pth", model.Model.ToFile());
                Assert.True(Upgrade(path, "right.pth", model.Geometry));
                var right = File.ReadAllBytes(At("right.pth"));
                var same = kind switch
                {
                    0 => ZipRelay.Lay(right, part => part),
                    1 => ZipRelay.Lay(right, part => part with { Flags = 0x0800 }),
                    2 => ZipRelay.Lay(right, part => part with { CentralComment = "x" }),
                    _ => ZipRelay.Lay(right, part => part with { LocalExtra = ZipRelay.Field(0x7777, new byte[choice]) }),
                };
                Write("same.pth", same);

                var differences = Verify(path, "same.pth", model.Geometry);

                // Only padding is free: the first shows data at other places, the others say more than the original.
                Assert.Equal(kind == 0, differences.Count == 0);
            },
            iter: 100,
            threads: 1,
            seed: "0002YpPnR1v4");
    }

    private static StateDict Model(int layers, AttentionGeometry geometry, int columns, bool[] isTransposed, int offset, bool isTied, int step)
    {
        var rows = (int)geometry.FusedRows;
        var tensors = new List<TestTensor> { new("transformer.wte.weight", 0, [3, columns], [columns, 1]) };
        var sizes = new List<int> { 3 * columns };
        for (var layer = 0; layer < layers; layer++)
        {
            tensors.Add(new($"{Prefix}{layer}.attn.attn.weight", sizes.Count, [rows, columns], isTransposed[layer] ? [1, rows] : [columns, 1], layer == 0 ? offset : 0));
            sizes.Add((rows * columns) + offset);
            tensors.Add(new($"{Prefix}{layer}.norm_1.weight", sizes.Count, [columns], [1]));
            sizes.Add(columns);
        }

        tensors.Add(new("lm_head.weight", isTied ? 0 : sizes.Count, [3, columns], [columns, 1]));
        if (!isTied)
        {
            sizes.Add(3 * columns);
        }

        return new StateDict(tensors, sizes) { Step = step };
    }

    /// <summary>The same checkpoint but for one thing.</summary>
    private static StateDict Change(StateDict model, string kind, int choice)
    {
        var number = choice % model.Tensors.Count;
        var tensor = model.Tensors[number];
        return kind switch
        {
            "number" => model with { Changed = (tensor.Storage, choice % model.StorageSizes[tensor.Storage]) },
            "number of a moved row" => model with { Changed = (1, model.Tensors[1].Offset + (choice % (model.StorageSizes[1] - model.Tensors[1].Offset))) },
            "name" => With(tensor with { Key = $"{tensor.Key}s" }),
            "name of a fused tensor" => With(tensor with { Key = tensor.Key.Replace("h.0", "h.7", StringComparison.Ordinal) }),
            "order" => model with { Tensors = [.. model.Tensors.Skip(1), model.Tensors[0]] },
            "sharing" => With(tensor with { Storage = model.StorageSizes.Count }) with { StorageSizes = [.. model.StorageSizes, model.StorageSizes[tensor.Storage]] },
            "gradient" => model with { RequiresGradient = number },
            "hook" => model with { Hooked = number },
            "step" => model with { Step = model.Step + 1 },
            "type" => model with { OfInts = tensor.Storage },
            "shape" => With(tensor with { Shape = [1, .. tensor.Shape], Strides = [1, .. tensor.Strides] }),
            "stride" => With(tensor with { Strides = tensor.Strides is [var one, var two] ? [two, one] : [2] }) with { StorageSizes = [.. model.StorageSizes.Select(size => 2 * size)] },
            "offset" => With(tensor with { Offset = tensor.Offset + 1 }) with { StorageSizes = [.. model.StorageSizes.Select(size => size + 1)] },
            "tensor gone" => model with { Tensors = [.. model.Tensors.Where(other => other != tensor)] },
            _ => model with { Tensors = [.. model.Tensors, tensor with { Key = "more" }] },
        };

        StateDict With(TestTensor changed) => model with { Tensors = [.. model.Tensors.Select(other => other == tensor ? changed : other)] };
    }

    private static byte[] Bytes(StateDict model, string format) => format switch
    {
        "zip" => model.ToFile(),
        "before 1.6" => model.ToFileBefore16(),
        _ => model.ToSafetensors(),
    };

    private string At(string name) => Path.Combine(folder.FullName, name);

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(At(name), bytes);
        return At(name);
    }

    /// <summary>Whether a file is upgraded; some of the changed ones are refused.</summary>
    private bool Upgrade(string path, string output, AttentionGeometry geometry)
    {
        var report = Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = path,
                Output = At(output),
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                Force = true,
                Engine = () => engine,
            },
            TestContext.Current.CancellationToken));
        Assert.NotEqual(FailureKind.Verification, report.Error?.Kind);
        return report.Status == CheckpointStatus.Upgraded;
    }

    private IReadOnlyList<string> Verify(string original, string upgraded, AttentionGeometry geometry)
    {
        try
        {
            var report = KnownGeometry.Verify(original, At(upgraded), geometry, QkvMigrate.Verification.VerificationMode.Full, TestContext.Current.CancellationToken);
            return report.Error is { } error ? [error.Message] : [.. report.Differences.Select(difference => difference.ToString())];
        }
        catch (MigrationException error)
        {
            return [error.Message];
        }
    }
}
