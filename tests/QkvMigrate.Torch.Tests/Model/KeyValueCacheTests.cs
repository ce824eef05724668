using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Torch.Model;
using QkvMigrate.Torch.Tests.Support;
using TorchSharp;
using Xunit;

namespace QkvMigrate.Torch.Tests.Model;

public sealed class KeyValueCacheTests
{
    private const int Capacity = 10;

    [Theory]
    [InlineData("llama-gqa", 4)]
    [InlineData("mixtral-moe", 2)]
    [InlineData("gemma2-softcap", 2)]
    [InlineData("pythia-mha", 1)]
    public void Unexpanded_keys_and_values_are_smaller_by_the_queries_of_a_group(string name, int ratio)
    {
        var configuration = ModelConfigurationReader.Find(GoldenLogits.Path(name))!;
        var geometry = configuration.Geometry;
        var sequential = Bytes(configuration, LayoutFamilies.Sequential);
        Assert.Equal(geometry.HeadCount / geometry.QueryGroupCount, ratio);
        Assert.Equal(2L * configuration.LayerCount * geometry.QueryGroupCount * Capacity * geometry.HeadSize * sizeof(float), sequential);
        Assert.Equal(ratio * sequential, Bytes(configuration, LayoutFamilies.Interleaved));
    }

    [Fact]
    public void A_single_group_was_never_expanded()
    {
        var configuration = ModelConfigurationReader.Find(GoldenLogits.Path("falcon-mqa"))!;
        Assert.Equal(Bytes(configuration, LayoutFamilies.Interleaved), Bytes(configuration, LayoutFamilies.Sequential));
    }

    [Fact]
    public void What_is_appended_stays() => LiveTensors.AreGoneAfter(() =>
    {
        using var scope = torch.NewDisposeScope();
        using var cache = new KeyValueCache(1, 1, Capacity, 2, torch.ScalarType.Float32, torch.CPU);
        var first = torch.tensor(new float[] { 1, 2, 3, 4 }, [1, 1, 2, 2]);
        var second = torch.tensor(new float[] { 5, 6 }, [1, 1, 1, 2]);
        _ = cache.Append(0, first, first * 10);
        var (keys, values) = cache.Append(2, second, second * 10);
        Assert.Equal([1f, 2, 3, 4, 5, 6], keys.contiguous().data<float>().ToArray());
        Assert.Equal([10f, 20, 30, 40, 50, 60], values.contiguous().data<float>().ToArray());
    });

    [Fact]
    public void A_full_cache_takes_no_more()
    {
        var configuration = ModelConfigurationReader.Find(GoldenLogits.Path("llama-gqa"))!;
        using var model = new Gpt(configuration, LayoutFamilies.Sequential, new RecordedParameters(1));
        using var cache = model.CreateCache(1, 1);
        using var tokens = torch.zeros([1, 2], torch.ScalarType.Int64);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(tokens, cache));
    }

    private static long Bytes(ModelConfiguration configuration, LayoutFamily layout)
    {
        using var model = new Gpt(configuration, layout, new RecordedParameters(1));
        using var cache = model.CreateCache(1, Capacity);
        return cache.Bytes;
    }
}
