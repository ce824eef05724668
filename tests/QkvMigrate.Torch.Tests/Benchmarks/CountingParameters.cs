using QkvMigrate.Configuration.Models;
using QkvMigrate.Layouts;
using QkvMigrate.Torch.Model;
using TorchSharp;

namespace QkvMigrate.Torch.Tests.Benchmarks;

/// <summary>Counts a model's parameters without having them: each is one element, seen as many.</summary>
internal sealed class CountingParameters : IParameterSource
{
    private long count;

    /// <summary>How many parameters the model of <paramref name="configuration"/> has.</summary>
    public static long Of(ModelConfiguration configuration)
    {
        var parameters = new CountingParameters();
        using var model = new Gpt(configuration, LayoutFamilies.Sequential, parameters);
        return parameters.count;
    }

    public torch.Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        using var one = torch.zeros(1);
        var parameter = one.expand([.. shape]);
        count += parameter.numel();
        return parameter;
    }
}
