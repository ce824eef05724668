using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Lora;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification.Merging;

/// <summary>A merged model is proven against its LoRA and its base.</summary>
public sealed class MergeVerificationTests : IDisposable
{
    private static readonly byte[] SignAndExponent = [0x80, 0x40];

    private readonly MergeFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(VerificationMode.Quick)]
    [InlineData(VerificationMode.Full)]
    public void A_right_merge_is_proven(VerificationMode mode)
    {
        Assert.Null(folder.Merge(mode).Error);

        var report = folder.Verify(mode);

        Assert.Empty(report.Differences);
        Assert.Null(report.Error);
        Assert.Equal((2, 1, 3), (report.Coverage.MergedWeights, report.Coverage.MovedTensors, report.Coverage.Tensors));
        Assert.Equal(folder.Lora, report.Original);
        Assert.Contains(report.Covered, line => line.Subject == "merged LoRA" && line.Statement.StartsWith($"2 weights of {folder.Base}, ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("data/2", MergeFolder.Layer + ".weight")]
    [InlineData("data/5", MergeFolder.Projection + ".weight")]
    [InlineData("data/6", "transformer.wte.weight")]
    public void Each_number_that_is_changed_is_named(string entry, string tensor)
    {
        folder.Merge();
        var bytes = File.ReadAllBytes(folder.Merged);
        var part = ZipSurgery.Find(bytes, entry);
        for (var at = 3; at < part.Length; at += 5 * sizeof(float))
        {
            foreach (var bit in SignAndExponent)
            {
                var place = at;
                File.WriteAllBytes(folder.Merged, ZipSurgery.Edit(bytes, part, content => content[place] ^= bit));

                var difference = Assert.Single(folder.Verify().Differences);

                Assert.Equal(($"tensor '{tensor}'", (long)at / sizeof(float) / Columns(tensor)), (difference.Place, difference.Row));
            }
        }
    }

    [Fact]
    public void The_last_bits_of_a_row_without_LoRA_are_compared()
    {
        folder.Merge();
        var bytes = File.ReadAllBytes(folder.Merged);

        // k has no LoRA: the rows behind those of q.
        var at = folder.Model.Geometry.HeadCount * folder.Model.Geometry.HeadSize * folder.Model.Width * sizeof(float);
        File.WriteAllBytes(folder.Merged, ZipSurgery.Edit(bytes, ZipSurgery.Find(bytes, "data/2"), content => content[at] ^= 1));

        var difference = Assert.Single(folder.Verify().Differences);

        Assert.Equal((24, QkvSection.Key, 0, 0), (difference.Row, difference.Section, difference.Head, difference.QueryGroup));
        Assert.Contains("bit for bit: it has no LoRA", difference.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4.0)]
    [InlineData(0.0)]
    [InlineData(-8.0)]
    [InlineData(8.0001)]
    public void Another_scaling_is_found_before_the_file_has_its_name(double scaling)
    {
        foreach (var mode in new[] { VerificationMode.Quick, VerificationMode.Full })
        {
            var error = folder.Merge(mode, () => new ScalingUpdater(scaling)).Error;

            Assert.Equal(FailureKind.Verification, error!.Kind);
            Assert.False(File.Exists(folder.Merged));
        }
    }

    /// <summary>The delta twice, not at all, the other way round, and scalings so near that a number or two shows it.</summary>
    [Fact]
    public void A_hundred_other_scalings_are_named()
    {
        var random = new Random(20261128);
        for (var i = 0; i < 100; i++)
        {
            var scaling = i switch { 0 => 16, 1 => 0, 2 => -8, 3 => 4, _ => 8 * (1 + ((random.Next(2) == 0 ? -1 : 1) * Math.Pow(10, -1 - (4 * random.NextDouble())))) };
            Assert.Null(folder.Merge(null, () => new ScalingUpdater(scaling)).Error);
            Assert.NotEmpty(folder.Verify().Differences);
            File.Delete(folder.Merged);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_LoRA_of_another_rank_is_a_difference_or_refused(int rank)
    {
        folder.Merge();
        TorchFile.Save(folder.Lora, [.. folder.LoraTensors.Select(tensor => OfRank(tensor, rank))]);
        Assert.Equal(FailureKind.Conflict, folder.Verify().Error!.Kind);
        File.WriteAllText(folder.Hyperparameters, File.ReadAllText(folder.Hyperparameters).Replace("lora_r: 2", $"lora_r: {rank}", StringComparison.Ordinal));
        Assert.NotEmpty(folder.Verify().Differences);
    }

    [Fact]
    public void Another_alpha_than_the_merge_was_made_with_is_a_difference()
    {
        folder.Merge();
        Assert.NotEmpty(folder.Verify(change: options => options with { Alpha = 17 }).Differences);
        Assert.Empty(folder.Verify(change: options => options with { Alpha = 16 }).Differences);
    }

    [Fact]
    public void Another_base_is_a_difference()
    {
        folder.Merge();
        TorchFile.Save(folder.Base, [.. folder.BaseTensors.Select(tensor => tensor with { Bytes = [.. tensor.Bytes.Select((value, i) => (byte)(i == 7 ? value ^ 0x40 : value))] })]);
        Assert.Equal(3, folder.Verify().DifferenceCount);
    }

    [Fact]
    public void Another_LoRA_is_a_difference()
    {
        folder.Merge();
        TorchFile.Save(folder.Lora, [.. folder.LoraTensors.Select(tensor => tensor.Name == MergeFolder.Projection + ".lora_B" ? tensor with { Bytes = new byte[tensor.Bytes.Length] } : tensor)]);
        Assert.All(folder.Verify().Differences, difference => Assert.Equal($"tensor '{MergeFolder.Projection}.weight'", difference.Place), throwIfEmpty: true);
    }

    [Fact]
    public void The_era_decides_which_rows_are_added_to()
    {
        folder.Merge();
        Assert.NotEmpty(folder.Verify(change: options => options with { IsBefore900 = true }).Differences);
    }

    [Fact]
    public void A_base_that_only_got_new_names_is_not_merged()
    {
        TorchFile.Save(folder.Merged, [.. folder.BaseTensors.Select(tensor => tensor with { Name = tensor.Name.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal) })]);
        Assert.NotEmpty(folder.Verify().Differences);
    }

    [Fact]
    public void A_LoRA_that_stands_in_the_merged_file_is_named()
    {
        folder.Merge();
        File.Copy(folder.Lora, folder.Merged, overwrite: true);
        Assert.NotEmpty(folder.Verify().Differences);
    }

    [Theory]
    [InlineData("lora_alpha: 16\n", "", FailureKind.Usage, "lora_alpha is not known: no hyperparameters.yaml beside the file says it; --lora-alpha settles it")]
    [InlineData("lora_r: 2\n", "lora_r: 3\n", FailureKind.Conflict, "lora_r in hyperparameters.yaml is 3, but lora_B has 2 columns")]
    [InlineData("lora_value: true", "lora_value: false", FailureKind.Geometry, "its shape fits several choices of q, k and v; lora_query, lora_key and lora_value in hyperparameters.yaml beside the file settle it")]
    public void What_the_hyperparameters_leave_open_is_refused(string text, string edited, FailureKind kind, string problem)
    {
        folder.Merge();
        File.WriteAllText(folder.Hyperparameters, File.ReadAllText(folder.Hyperparameters).Replace(text, edited, StringComparison.Ordinal));
        var error = folder.Verify().Error!;
        Assert.Equal((kind, problem), (error.Kind, error.Problem));
    }

    [Fact]
    public void A_weight_that_shares_its_bytes_is_refused()
    {
        folder.Merge();
        TorchFile.Save(folder.Base, [.. folder.BaseTensors, folder.BaseTensors[1] with { Name = "tied" }]);
        var error = folder.Verify().Error!;
        Assert.Equal((FailureKind.Unsupported, "its bytes are shared with another tensor, so what it must be after a merge is not known"), (error.Kind, error.Problem));
    }

    [Fact]
    public void A_LoRA_without_its_weight_is_refused()
    {
        folder.Merge();
        TorchFile.Save(folder.Base, [.. folder.BaseTensors.Where(tensor => tensor.Name != MergeFolder.Projection + ".weight")]);
        var error = folder.Verify().Error!;
        Assert.Equal($"0 tensors are the weight of '{MergeFolder.Projection}.lora_A' of {folder.Lora}, expected 1", error.Problem);
    }

    [Fact]
    public void A_tensor_beside_the_LoRA_is_refused()
    {
        folder.Merge();
        TorchFile.Save(folder.Lora, [.. folder.LoraTensors, StoredTensor.Floats("lm_head.weight", 2, 2)]);
        Assert.Equal("tensor 'lm_head.weight'", folder.Verify().Error!.Where);
    }

    [Fact]
    public void Infinite_numbers_and_none_are_what_the_sum_makes_them()
    {
        var lora = folder.LoraTensors.ToList();
        var a = lora.FindIndex(tensor => tensor.Name == MergeFolder.Projection + ".lora_A");
        var b = lora.FindIndex(tensor => tensor.Name == MergeFolder.Projection + ".lora_B");
        var (factorsA, factorsB) = ((byte[])lora[a].Bytes.Clone(), (byte[])lora[b].Bytes.Clone());
        BitConverter.TryWriteBytes(factorsA.AsSpan(4 * sizeof(float)), float.NaN);
        BitConverter.TryWriteBytes(factorsA.AsSpan(7 * sizeof(float)), float.PositiveInfinity);
        BitConverter.TryWriteBytes(factorsB, 0f);
        BitConverter.TryWriteBytes(factorsB.AsSpan(6 * sizeof(float)), float.NegativeInfinity);
        (lora[a], lora[b]) = (lora[a] with { Bytes = factorsA }, lora[b] with { Bytes = factorsB });
        TorchFile.Save(folder.Lora, lora);

        Assert.Null(folder.Merge(VerificationMode.Full).Error);

        var bytes = File.ReadAllBytes(folder.Merged);
        var part = ZipSurgery.Find(bytes, "data/5");
        foreach (var (column, wrong) in new[] { (4, 1f), (4, float.PositiveInfinity), (7, float.NaN), (7, float.NegativeInfinity), (7, float.MaxValue), (8, float.NaN), (8, float.PositiveInfinity) })
        {
            // The second row: the first one's infinity meets a factor of zero.
            File.WriteAllBytes(folder.Merged, ZipSurgery.Edit(bytes, part, content => BitConverter.TryWriteBytes(content.AsSpan((folder.Model.Width + column) * sizeof(float)), wrong)));
            Assert.Equal(1, Assert.Single(folder.Verify().Differences).Row);
        }
    }

    /// <summary>A matrix of another rank: with fewer rows or columns of each block, or with some more that are not zero.</summary>
    private static StoredTensor OfRank(StoredTensor tensor, int rank)
    {
        var isA = tensor.Name.EndsWith("lora_A", StringComparison.Ordinal);
        var blocks = isA ? tensor.Shape[0] / LoraModel.Rank : 1;
        return StoredTensor.Floats(tensor.Name, isA ? [blocks * rank, tensor.Shape[1]] : [tensor.Shape[0], rank]);
    }

    private int Columns(string tensor) => tensor == "transformer.wte.weight" ? 3 : folder.Model.Width;

    /// <summary>Adds with another scaling than it is told.</summary>
    private sealed class ScalingUpdater(double scaling) : ILowRankUpdater
    {
        public ILowRankUpdate Begin(LoraMatrix a, LoraMatrix b, double _, DType weight) => new PlainUpdater().Begin(a, b, scaling, weight);
    }
}
