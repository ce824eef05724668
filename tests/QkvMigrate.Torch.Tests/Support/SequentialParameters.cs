using QkvMigrate.Attention;
using QkvMigrate.Torch.Model;
using TorchSharp;

namespace QkvMigrate.Torch.Tests.Support;

/// <summary>
/// A legacy model's parameters as the new model asks for them: fused rows are gathered one by one, by a rule that shares
/// nothing with the library's.
/// </summary>
internal sealed class SequentialParameters(IParameterSource legacy, AttentionGeometry geometry) : IParameterSource
{
    public torch.Tensor Take(string name, ReadOnlySpan<long> shape)
    {
        if (!name.Contains(".attn.qkv.", StringComparison.Ordinal))
        {
            return legacy.Take(name, shape);
        }

        using var scope = torch.NewDisposeScope();
        var interleaved = legacy.Take(name.Replace(".attn.qkv.", ".attn.attn.", StringComparison.Ordinal), shape);
        using var rows = torch.tensor(Rows().ToArray());
        return interleaved.index_select(0, rows).MoveToOuterDisposeScope();
    }

    private IEnumerable<long> Rows()
    {
        var queries = geometry.HeadCount / geometry.QueryGroupCount;
        var groupRows = (queries + 2) * geometry.HeadSize;
        for (var head = 0; head < geometry.HeadCount; head++)
        {
            for (var row = 0; row < geometry.HeadSize; row++)
            {
                yield return (head / queries * groupRows) + (head % queries * geometry.HeadSize) + row;
            }
        }

        foreach (var place in new[] { queries, queries + 1 })
        {
            for (var group = 0; group < geometry.QueryGroupCount; group++)
            {
                for (var row = 0; row < geometry.HeadSize; row++)
                {
                    yield return (group * groupRows) + (place * geometry.HeadSize) + row;
                }
            }
        }
    }
}
