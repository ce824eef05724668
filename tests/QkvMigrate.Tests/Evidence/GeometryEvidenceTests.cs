using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Evidence;
using QkvMigrate.Layouts;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Verification;
using Xunit;

namespace QkvMigrate.Tests.Evidence;

public sealed class GeometryEvidenceTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-evidence-");

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>Numbers of an independent computation with PyTorch.</summary>
    [Theory]
    [InlineData("tiny-licenses-gqa", 8, 2, 16, 0.3497, 0.1605)]
    [InlineData("tiny-licenses-mha", 4, 4, 32, 0.1044, 0.0520)]
    public void A_trained_model_speaks_for_its_true_geometry(string sample, int heads, int groups, int headSize, double best, double next)
    {
        using var checkpoint = Checkpoint.Open(Sample(sample));

        var evidence = GeometryEvidence.Measure(AttentionScan.Of(checkpoint), EvidenceSample.All, cancellation: TestContext.Current.CancellationToken)!;

        Assert.Equal(new AttentionGeometry(heads, groups, headSize), evidence.Winner?.Geometry);
        Assert.Equal((best, next), (Math.Round(evidence.Ranking[0].Explained, 4), Math.Round(evidence.Ranking[1].Explained, 4)));
        Assert.Null(evidence.Against(RowOrder.Interleaved, new AttentionGeometry(heads, groups, headSize)));
    }

    [Fact]
    public void A_wrong_geometry_that_the_shapes_allow_is_contradicted_with_the_numbers()
    {
        using var checkpoint = Checkpoint.Open(Sample("tiny-licenses-gqa"));
        var wrong = new AttentionGeometry(16, 4, 8);

        var against = GeometryEvidence.Measure(AttentionScan.Of(checkpoint), EvidenceSample.All, wrong, cancellation: TestContext.Current.CancellationToken)!.Against(RowOrder.Interleaved, wrong);

        Assert.Equal(
            "the weights speak for another geometry: the classes q, k and v explain 0.350 of the variance of the row norms as interleaved with n_head=8 n_query_groups=2 head_size=16, and 0.160 as interleaved with n_head=16 n_query_groups=4 head_size=8 (4 layers)",
            against);
    }

    [Fact]
    public void A_sequential_file_under_the_old_name_is_told()
    {
        // The rows of the upgraded file under the names of the old one: a string of the same length in the key's place.
        var geometry = new AttentionGeometry(8, 2, 16);
        var upgraded = Path.Combine(folder.FullName, "upgraded.pth");
        var legacy = File.ReadAllBytes(Sample("tiny-licenses-gqa"));
        VerifiedPair.Migrate(Sample("tiny-licenses-gqa"), upgraded, geometry, MigrationDirection.Upgrade);
        var sequential = File.ReadAllBytes(upgraded);
        foreach (var entry in ZipSurgery.Entries(legacy).Where(entry => entry.Name.Contains("/data/", StringComparison.Ordinal)))
        {
            var bytes = sequential.AsSpan(ZipSurgery.Find(sequential, entry.Name).Start, entry.Length).ToArray();
            legacy = ZipSurgery.Edit(legacy, entry, old => bytes.CopyTo(old, 0));
        }

        var path = Path.Combine(folder.FullName, "mislabelled.pth");
        File.WriteAllBytes(path, legacy);
        using var checkpoint = Checkpoint.Open(path);

        var evidence = GeometryEvidence.Measure(AttentionScan.Of(checkpoint), EvidenceSample.All, geometry, cancellation: TestContext.Current.CancellationToken)!;

        Assert.Equal(RowOrder.Sequential, evidence.Winner?.Layout);
        Assert.StartsWith("the rows look sequential already, in spite of their name: ", evidence.Against(RowOrder.Interleaved, geometry), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 192, 64, "3 of 4 layers, 64 of 128 columns")]
    [InlineData(4, 100, 128, "4 layers, 39 of 192 rows")]
    public void A_sample_speaks_for_the_same_geometry_and_says_what_it_is(int layers, int rows, int columns, string basis)
    {
        using var checkpoint = Checkpoint.Open(Sample("tiny-licenses-gqa"));

        var evidence = GeometryEvidence.Measure(AttentionScan.Of(checkpoint), new EvidenceSample(layers, rows, columns), cancellation: TestContext.Current.CancellationToken)!;

        Assert.Equal(new AttentionGeometry(8, 2, 16), evidence.Ranking[0].Geometry);
        Assert.Equal(basis, evidence.Basis);
    }

    [Fact]
    public void Random_weights_give_no_winner()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var path = Path.Combine(folder.FullName, "random.pth");
            File.WriteAllBytes(path, RandomModel.Write(seed));
            using var checkpoint = Checkpoint.Open(path);

            var evidence = GeometryEvidence.Measure(AttentionScan.Of(checkpoint), EvidenceSample.All, cancellation: TestContext.Current.CancellationToken)!;

            Assert.Null(evidence.Winner);
            Assert.Null(evidence.Against(RowOrder.Interleaved, new AttentionGeometry(8, 4, 4)));
        }
    }

    [Fact]
    public void Without_fused_weights_there_is_no_evidence()
    {
        var path = Path.Combine(folder.FullName, "other.pth");
        File.WriteAllBytes(path, new StateDict([new("lm_head.weight", 0, [2, 3], [3, 1])], [6]).ToFile());
        using var checkpoint = Checkpoint.Open(path);

        Assert.Null(GeometryEvidence.Measure(AttentionScan.Of(checkpoint), EvidenceSample.All, cancellation: TestContext.Current.CancellationToken));
    }

    private static string Sample(string name) => Repository.At("samples", name, "lit_model.pth");
}
