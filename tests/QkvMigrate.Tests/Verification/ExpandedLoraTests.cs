using QkvMigrate.Attention;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Planning.Lora;
using QkvMigrate.Tests.Verification.Storages;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>A LoRA of higher rank is verified by multiplying it out.</summary>
public sealed class ExpandedLoraTests : IDisposable
{
    private const string Checkpoint = "lit_model.pth.lora";
    private static readonly AttentionGeometry Geometry = new(6, 2, 4);
    private static readonly LoraOptions Expand = new(LoraTreatment.Expand);
    private static readonly LoraOptions ExpandBefore900 = new(LoraTreatment.Expand, IsBefore900: true);

    private readonly LoraFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    public void An_expanded_LoRA_is_verified(bool query, bool key, bool value)
    {
        var sections = new LoraSections(query, key, value);
        Write(sections, Geometry);
        Assert.Null(folder.Upgrade(sections == LoraSections.All ? Expand : ExpandBefore900).Error);

        foreach (var mode in new[] { VerificationMode.Quick, VerificationMode.Full })
        {
            var report = Assert.Single(Verify(mode));
            Assert.Empty(report.Differences);
            Assert.Equal((LoraModel.Rank, sections.Count * LoraModel.Rank), (report.LoraRank!.Value.Before, report.LoraRank.Value.After));
            Assert.Equal((2, 1), (report.Coverage.ExpandedLayers, report.Coverage.MovedTensors));
        }
    }

    [Fact]
    public void What_looks_at_the_bytes_of_the_weight_beside_an_expanded_LoRA_keeps_them()
    {
        WriteWithView(storage: 2);
        Assert.Null(folder.Upgrade(Expand).Error);
        Assert.Empty(Assert.Single(Verify()).Differences);
        Assert.Equal(SharedModel.Load(folder.Checkpoint)[^1], SharedModel.Load(Path.Combine(folder.Upgraded, Checkpoint))[^1]);
    }

    [Theory]
    [InlineData(0, "attn.lora_A")]
    [InlineData(1, "attn.lora_B")]
    [InlineData(3, "proj.lora_A")]
    [InlineData(4, "proj.lora_B")]
    public void What_looks_at_the_bytes_of_a_matrix_that_is_expanded_is_refused(int storage, string name)
    {
        WriteWithView(storage);
        var error = Assert.IsType<MigrationException>(folder.Upgrade(Expand).Error);
        Assert.EndsWith($"tensor '{LoraModel.Prefix}{name}': its bytes are shared with another tensor, so that it cannot be expanded", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_way_back_is_verified()
    {
        Upgrade();
        Assert.Null(folder.Downgrade(Expand).Error);

        var report = Assert.Single(PathVerifier.Run(folder.Upgraded, folder.Back, new VerificationOptions(), TestContext.Current.CancellationToken));

        Assert.Empty(report.Differences);
        Assert.Equal((6, 18), report.LoraRank);
    }

    [Fact]
    public void Each_changed_number_of_lora_B_is_named_with_its_row()
    {
        Upgrade();
        var upgraded = Path.Combine(folder.Upgraded, Checkpoint);
        var bytes = File.ReadAllBytes(upgraded);
        var entry = ZipSurgery.Find(bytes, "data/1");
        const int RowBytes = 3 * LoraModel.Rank * sizeof(float);
        // The byte with most of the exponent: a change that rounding does not swallow.
        for (var at = 3; at < entry.Length; at += sizeof(float))
        {
            var place = at;
            File.WriteAllBytes(upgraded, ZipSurgery.Edit(bytes, entry, content => content[place] ^= 0x40));

            var difference = Assert.Single(Assert.Single(Verify()).Differences);

            Assert.Equal(($"tensor '{LoraModel.Prefix}attn.lora_B'", at / RowBytes), (difference.Place, difference.Row));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_factor_of_zero_times_infinity_or_NaN_is_no_zero(float number)
    {
        Upgrade();

        // The number is put where both files have it: in the first A of the old one, and in its three copies in the new one.
        Put(folder.Checkpoint, [7]);
        Put(Path.Combine(folder.Upgraded, Checkpoint), [7, 7 + (6 * 24), 7 + (12 * 24)]);

        var differences = Assert.Single(Verify()).Differences;

        Assert.NotEmpty(differences);
        Assert.All(differences, difference => Assert.Equal($"tensor '{LoraModel.Prefix}attn.lora_B'", difference.Place), throwIfEmpty: true);

        void Put(string path, int[] places)
        {
            var bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, ZipSurgery.Edit(bytes, ZipSurgery.Find(bytes, "data/0"), content => Array.ForEach(places, at => BitConverter.TryWriteBytes(content.AsSpan(at * sizeof(float)), number))));
        }
    }

    /// <summary>Bits that the sum of products rounds away, and numbers that meet nothing but zeros, count as well.</summary>
    [Theory]
    [InlineData("data/0", "attn.lora_A")]
    [InlineData("data/1", "attn.lora_B")]
    [InlineData("data/3", "proj.lora_A")]
    [InlineData("data/4", "proj.lora_B")]
    public void Every_bit_of_a_matrix_is_named(string part, string name)
    {
        Upgrade();
        var upgraded = Path.Combine(folder.Upgraded, Checkpoint);
        var bytes = File.ReadAllBytes(upgraded);
        var entry = ZipSurgery.Find(bytes, part);
        for (var at = 0; at < entry.Length; at += 7)
        {
            var (place, bit) = (at, at % 8);
            File.WriteAllBytes(upgraded, ZipSurgery.Edit(bytes, entry, content => content[place] ^= (byte)(1 << bit)));
            var differences = Assert.Single(Verify()).Differences;
            // What a number of A says wrongly shows in rows of B.
            Assert.All(differences, difference => Assert.StartsWith($"tensor '{LoraModel.Prefix}{name[..^1]}", difference.Place, StringComparison.Ordinal), throwIfEmpty: true);
        }
    }

    [Fact]
    public void A_number_of_A_that_meets_nothing_but_zeros_is_named()
    {
        // A LoRA that was not trained yet: B is zero.
        var model = new LoraModel(Geometry, LoraSections.All);
        folder.Write(
            [.. model.Tensors().Select(tensor => tensor.Name.EndsWith("lora_B", StringComparison.Ordinal) ? tensor with { Bytes = new byte[tensor.Bytes.Length] } : tensor)],
            model.ModelConfiguration(),
            model.Hyperparameters());
        Assert.Null(folder.Upgrade(Expand).Error);
        Assert.Empty(Assert.Single(Verify()).Differences);
        var upgraded = Path.Combine(folder.Upgraded, Checkpoint);
        var bytes = File.ReadAllBytes(upgraded);
        foreach (var part in new[] { "data/0", "data/3" })
        {
            var entry = ZipSurgery.Find(bytes, part);
            for (var at = 2; at < entry.Length; at += 53)
            {
                var place = at;
                File.WriteAllBytes(upgraded, ZipSurgery.Edit(bytes, entry, content => content[place] ^= 0x10));
                Assert.EndsWith("lora_A'", Assert.Single(Assert.Single(Verify()).Differences).Place, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Two_swapped_heads_of_lora_B_are_named()
    {
        Upgrade();
        var upgraded = Path.Combine(folder.Upgraded, Checkpoint);
        var bytes = File.ReadAllBytes(upgraded);
        const int HeadBytes = 4 * 3 * LoraModel.Rank * sizeof(float);
        File.WriteAllBytes(upgraded, ZipSurgery.Edit(bytes, ZipSurgery.Find(bytes, "data/1"), content =>
        {
            var first = content.AsSpan(0, HeadBytes).ToArray();
            content.AsSpan(HeadBytes, HeadBytes).CopyTo(content);
            first.CopyTo(content, HeadBytes);
        }));

        var differences = Assert.Single(Verify(VerificationMode.Quick)).Differences;

        Assert.Equal(
            [(0L, QkvSection.Query, 0), (3L, QkvSection.Query, 0), (4L, QkvSection.Query, 1), (7L, QkvSection.Query, 1)],
            differences.Select(difference => (difference.Row!.Value, difference.Section!.Value, difference.Head!.Value)));
        Assert.Equal($"tensor '{LoraModel.Prefix}attn.lora_B' row 0 (q, head 0, group 0): lora_B·lora_A differs from that of row 0 of the first file", differences[0].ToString());
    }

    [Fact]
    public void A_changed_number_of_another_layer_is_named()
    {
        Upgrade();
        var upgraded = Path.Combine(folder.Upgraded, Checkpoint);
        var bytes = File.ReadAllBytes(upgraded);
        File.WriteAllBytes(upgraded, ZipSurgery.Edit(bytes, ZipSurgery.Find(bytes, "data/3"), content => content[2] ^= 0x40));

        Assert.Equal($"tensor '{LoraModel.Prefix}proj.lora_B' row 0: lora_B·lora_A differs from the first file's", Assert.Single(Verify()).Differences[0].ToString());
    }

    [Fact]
    public void New_names_alone_are_not_enough_where_q_k_and_v_all_have_LoRA()
    {
        // With one query group the layouts coincide, so a directory that says so is upgraded by new names.
        Write(LoraSections.All, new AttentionGeometry(3, 1, 8));
        Assert.Null(folder.Upgrade(new LoraOptions()).Error);

        var report = KnownGeometry.Verify(folder.Checkpoint, Path.Combine(folder.Upgraded, Checkpoint), Geometry, VerificationMode.Full, TestContext.Current.CancellationToken);

        Assert.Equal(
            $"tensor '{LoraModel.Prefix}attn.lora_B': q, k and v all have LoRA, so that its rows were added in the order of the old layout; under the new name alone they are added to other heads",
            report.Differences[0].ToString());
    }

    [Theory]
    [InlineData("lora_r: 6", "lora_r: 4", "line 4 is 'lora_r: 4  #qkvmigrate+', expected 'lora_r: 6  #qkvmigrate+' (lora_r follows the LoRA of rank 6 instead of 2)")]
    [InlineData("lora_alpha: 48", "lora_alpha: 16", "line 6 is 'lora_alpha: 16  #qkvmigrate+', expected 'lora_alpha: 48  #qkvmigrate+' (lora_alpha follows the LoRA of rank 6 instead of 2)")]
    [InlineData("lora_value: true", "lora_value: false", "line 10 is 'lora_value: false', expected 'lora_value: true'")]
    [InlineData("seed: 1337", "seed: 1338", "line 12 is 'seed: 1338', expected 'seed: 1337'")]
    [InlineData("seed: 1337", "seed: 1337 # more", "line 12 is 'seed: 1337 # more', expected 'seed: 1337'")]
    [InlineData("precision: null\n", "", "line 2 is '#qkvmigrate- lora_r: 2', expected 'precision: null'")]
    public void Hyperparameters_that_do_not_follow_are_named(string text, string edited, string expected)
    {
        Upgrade();
        var path = Path.Combine(folder.Upgraded, "hyperparameters.yaml");
        File.WriteAllText(path, File.ReadAllText(path).Replace(text, edited, StringComparison.Ordinal));

        var difference = Assert.Single(Verify()[^1].Differences);
        Assert.Equal(("file 'hyperparameters.yaml'", expected), (difference.Place, difference.Problem));
    }

    private void Upgrade()
    {
        Write(LoraSections.All, Geometry);
        Assert.Null(folder.Upgrade(Expand).Error);
    }

    /// <summary>Writes a LoRA with, behind it, a view of all numbers of a storage in one row, under a name that says nothing.</summary>
    private void WriteWithView(int storage)
    {
        var model = new LoraModel(Geometry, LoraSections.All);
        var shared = model.Tensors()[storage];
        folder.Write([.. model.Tensors(), shared with { Name = "probe", Shape = [shared.Bytes.Length / sizeof(float)] }], model.ModelConfiguration(), model.Hyperparameters());
    }

    private void Write(LoraSections sections, AttentionGeometry said)
    {
        var model = new LoraModel(Geometry, sections);
        folder.Write(model.Tensors(), $"n_embd: {model.Width}\nn_head: {said.HeadCount}\nn_query_groups: {said.QueryGroupCount}\nhead_size: {said.HeadSize}\n", model.Hyperparameters());
    }

    private IReadOnlyList<VerificationReport> Verify(VerificationMode mode = VerificationMode.Full) =>
        PathVerifier.Run(folder.Legacy, folder.Upgraded, new VerificationOptions { Mode = mode }, TestContext.Current.CancellationToken);
}
