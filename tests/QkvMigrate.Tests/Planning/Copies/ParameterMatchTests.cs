using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Copies;
using QkvMigrate.Tests.Support;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Planning.Copies;

/// <summary>The planner's and the verifier's rule for which tensors of a copy are fused, against each other and against every assignment that is possible.</summary>
public sealed class ParameterMatchTests
{
    private const int Cases = 20000;

    [Fact]
    public void Both_rules_say_the_same_and_never_more_than_is_proven()
    {
        var random = new Random(20261);
        var proven = 0;
        for (var n = 0; n < Cases; n++)
        {
            var model = Enumerable.Range(0, random.Next(1, 7)).Select(i => (Shape: (long)random.Next(2, 5), IsFused: random.Next(3) == 0, Number: i)).ToList();
            var copy = Copy(random, model);
            var hasOrder = random.Next(4) > 0;
            var areWeights = random.Next(3) > 0;
            var tensors = model.ConvertAll(item => Tensor(item.Shape, item.Number));
            var fused = tensors.Where((_, i) => model[i].IsFused).Select(ElementKey.Of).ToHashSet();
            var planned = new ModelShapes(tensors, fused, hasOrder).Match(copy.ConvertAll(shape => $"{shape}"), areWeights);
            var verified = new ParameterOrder(model.Select(item => ($"{item.Shape}", item.IsFused)), hasOrder).Recognise(copy.ConvertAll(shape => $"{shape}"), areWeights);
            Assert.Equal(planned, verified);
            if (planned is null)
            {
                continue;
            }

            proven++;
            var isWhole = hasOrder && copy.SequenceEqual(model.Select(item => item.Shape));
            for (var i = 0; i < copy.Count && !isWhole; i++)
            {
                Assert.Equal([planned[i]], Possible(copy, i, model, hasOrder).Distinct());
            }
        }

        Assert.InRange(proven, Cases / 20, Cases - (Cases / 20));
    }

    /// <summary>Shapes of a model's, in its order or not, or some at random.</summary>
    private static List<long> Copy(Random random, List<(long Shape, bool IsFused, int Number)> model)
    {
        var some = model.Where(_ => random.Next(5) > 0).Select(item => item.Shape).ToArray();
        if (random.Next(2) == 0)
        {
            random.Shuffle(some);
        }

        return random.Next(4) == 0 ? [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => (long)random.Next(2, 5))] : some.Length == 0 ? [2] : [.. some];
    }

    /// <summary>Whether each parameter that a tensor of the copy can be is fused: all of its shape, or in the order those that leave a place for the others.</summary>
    private static IEnumerable<bool> Possible(List<long> copy, int number, List<(long Shape, bool IsFused, int Number)> model, bool hasOrder)
    {
        var same = model.Where(item => item.Shape == copy[number]).ToList();
        return same.Select(item => item.IsFused).Distinct().Count() == 1 || !hasOrder
            ? same.Select(item => item.IsFused)
            : same.Where(item => Fits(copy[..number], model[..item.Number]) && Fits(copy[(number + 1)..], model[(item.Number + 1)..])).Select(item => item.IsFused);
    }

    private static bool Fits(List<long> copy, List<(long Shape, bool IsFused, int Number)> model)
    {
        var next = 0;
        foreach (var item in model)
        {
            next += next < copy.Count && copy[next] == item.Shape ? 1 : 0;
        }

        return next == copy.Count;
    }

    private static TensorEntry Tensor(long size, int number) =>
        new(new ContainerEntry("", []), null, $"{number}", DType.ByName("float32")!, [size], [1], AnyFile.Storage($"{number}", 0, size * 4), 0);
}
