using System.Text;
using QkvMigrate.Configuration;
using Xunit;

namespace QkvMigrate.Tests.Fuzzing;

/// <summary>Inputs by which fuzzing brought out another exception than the tool's own.</summary>
public sealed class FoundCrashTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("x: [1, 2name: a\nb: c\n&anchor x: [1, 2]\ny: *anchor\n", "no YAML")]
    [InlineData("name: a\nsliding: interleaved\nn_layer: 4\n&anchor x: [1, 2name: a\nn: 4\n&anchor x: [1, 2]\ny: *anchor\nz: |\n  text\n", "line 4: the anchor '&anchor'")]
    public void A_flow_that_turns_into_a_block_is_refused(string yaml, string problem) =>
        Assert.Contains(problem, Assert.Throws<MigrationException>(() => YamlFields.Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_text_that_breaks_off_at_a_zero_is_refused()
    {
        var bytes = Convert.FromBase64String("I3Frdm1pZ3JhdGUrIG1hZGUgZnJvbSBsaXRfY29uZmlnLmr/AAAAAAAAADogYQojcWt2bWlncmF0");
        Assert.Contains("no YAML", Assert.Throws<MigrationException>(() => YamlFields.Parse(Encoding.UTF8.GetString(bytes))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_in_JSON_is_refused()
    {
        Assert.Contains("no JSON", Assert.Throws<MigrationException>(() => JsonAsYaml.Convert("{\"a\": \"\\ud800\"}")).Message, StringComparison.Ordinal);
        var path = Path.Combine(folder.FullName, "config.json");
        File.WriteAllText(path, "{\"\\ud800\": 1}", Encoding.ASCII);
        Assert.Contains("no JSON", Assert.Throws<MigrationException>(() => ConfigurationReader.Read(path, "config.json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mark_without_the_rest_of_its_file_is_read()
    {
        File.WriteAllText(Path.Combine(folder.FullName, ConfigurationRewrite.YamlName), "#qkvmigrate+ made from lit_config.json");
        Assert.Equal("config-source-missing", Assert.Single(ConfigurationRewrite.PlanDowngrade(folder.FullName).Advice).Code);
    }
}
