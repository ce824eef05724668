using QkvMigrate.Verification.Merging;
using Xunit;

namespace QkvMigrate.Tests.Verification.Merging;

/// <summary>What counts as the sum of a weight and its LoRA's products.</summary>
public sealed class MergeBoundTests
{
    /// <summary>The sums are made in float32 in a random order, with and without fused steps, and rounded.</summary>
    [Theory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    [InlineData("float16")]
    public void Every_sum_in_float32_is_right_whatever_its_order(string dtype)
    {
        var random = new Random(18);
        for (var n = 0; n < 20_000; n++)
        {
            var (bound, weight, terms, scaling) = Draw(random, dtype);
            var products = terms.Select(term => ((float)term.B, (float)term.A)).ToArray();
            random.Shuffle(products);
            var sum = 0f;
            foreach (var (b, a) in products)
            {
                sum = random.Next(2) == 0 ? sum + (b * a) : MathF.FusedMultiplyAdd(b, a, sum);
            }

            var stored = Rounded((sum * (float)scaling) + (float)weight, dtype);
            Assert.True(bound.IsRight(weight, terms, stored), $"{weight} {scaling} {string.Join(" ", terms)}: {stored}");
        }
    }

    /// <summary>What the quick look passes, the exact one passes; two units in the last place beyond the bound, neither does.</summary>
    [Theory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    [InlineData("float16")]
    [InlineData("float64")]
    public void A_number_beyond_the_bound_is_wrong(string dtype)
    {
        var random = new Random(3);
        var wrong = 0;
        for (var n = 0; n < 20_000; n++)
        {
            var (bound, weight, terms, scaling) = Draw(random, dtype);
            var delta = terms.Sum(term => term.B * term.A);
            var exact = weight + (scaling * delta);
            var magnitude = Math.Abs(weight) + Math.Abs(exact) + terms.Sum(term => Math.Abs(scaling * term.B * term.A));
            var stored = Rounded(exact + ((random.NextDouble() - 0.5) * magnitude * Math.Pow(2, -random.Next(0, 60))), dtype);
            var isRight = bound.IsRight(weight, terms, stored);
            double[] weights = [weight, weight, weight, weight];
            double[] deltas = [delta, delta, delta, delta];
            double[] numbers = [stored, stored, stored, stored];
            Assert.True(bound.FirstDoubtful(weights, deltas, numbers) == 0 || isRight);

            var unit = Unit(stored, dtype);
            var allowed = (unit / 2) + (magnitude * (terms.Count + 4) * 4 * (dtype == "float64" ? Math.Pow(2, -53) : Math.Pow(2, -24)));
            if (Math.Abs(stored - exact) > allowed)
            {
                Assert.False(isRight, $"{weight} {scaling} {string.Join(" ", terms)}: {stored}, not {exact}");
                wrong++;
            }
        }

        Assert.True(wrong > 1000, $"{wrong} were beyond the bound");
    }

    [Theory]
    [InlineData("float16", 65504.0, 15.9, 65504.0, true)]
    [InlineData("float16", 65504.0, 15.0, double.PositiveInfinity, false)]
    [InlineData("float16", 65504.0, 17.0, double.PositiveInfinity, true)]
    [InlineData("float16", 65504.0, 33.0, 65504.0, false)]
    [InlineData("float16", -65504.0, -17.0, double.NegativeInfinity, true)]
    [InlineData("float16", -65504.0, -17.0, double.PositiveInfinity, false)]
    [InlineData("float32", 1.0, double.NaN, double.NaN, true)]
    [InlineData("float32", 1.0, double.NaN, 1.0, false)]
    [InlineData("float32", 1.0, 1.0, double.NaN, false)]
    [InlineData("float32", double.PositiveInfinity, 1.0, double.PositiveInfinity, true)]
    [InlineData("float32", double.PositiveInfinity, 1.0, double.NegativeInfinity, false)]
    [InlineData("float32", double.PositiveInfinity, double.NegativeInfinity, double.NaN, true)]
    [InlineData("float32", 0.0, 0.0, double.PositiveInfinity, false)]
    [InlineData("bfloat16", 0.0, 0.0, double.NaN, false)]
    [InlineData("float64", 0.0, 0.0, double.NegativeInfinity, false)]
    public void Infinity_and_NaN_are_exact(string dtype, double weight, double product, double stored, bool isRight)
    {
        var bound = new MergeBound(dtype, "float32", 1, 1);
        Assert.Equal(isRight, bound.IsRight(weight, [(1.0, product)], stored));
        var sum = new[] { product, product, product, product };
        Assert.True(isRight || bound.FirstDoubtful([weight, weight, weight, weight], sum, [stored, stored, stored, stored]) == 0);
    }

    [Fact]
    public void Zero_times_infinity_is_NaN()
    {
        var bound = new MergeBound("float32", "float32", 2, 1);
        Assert.True(bound.IsRight(3, [(0, double.PositiveInfinity), (1, 1)], double.NaN));
        Assert.False(bound.IsRight(3, [(0, double.PositiveInfinity), (1, 1)], 4));
    }

    [Fact]
    public void Where_float32_may_overflow_on_the_way_both_ends_are_right()
    {
        var bound = new MergeBound("float32", "float32", 2, 1);
        (double B, double A)[] terms = [(3e38, 1), (-3e38, 1), (3e38, 1)];
        Assert.True(bound.IsRight(0, terms, double.PositiveInfinity));
        Assert.True(bound.IsRight(0, terms, 3e38));
        Assert.False(bound.IsRight(0, terms, 1e38));
    }

    private static (MergeBound Bound, double Weight, IReadOnlyList<(double B, double A)> Terms, double Scaling) Draw(Random random, string dtype)
    {
        var rank = random.Next(1, 65);
        var scaling = (float)(random.NextDouble() * random.Next(1, 20));
        var terms = Enumerable.Range(0, rank).Select(_ => (Number(random), Number(random))).ToList();
        if (random.Next(3) == 0 && rank > 1)
        {
            // Two products that cancel out.
            terms[1] = (-terms[0].Item1, terms[0].Item2);
        }

        return (new MergeBound(dtype, "float32", rank, scaling), Rounded(Number(random) * 8, dtype), terms, scaling);
    }

    private static double Number(Random random) => (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-14, 3)));

    private static double Rounded(double number, string dtype) => dtype switch
    {
        "float64" => number,
        "float32" => (float)number,
        "float16" => (double)(Half)(float)number,
        _ => BitConverter.UInt32BitsToSingle(Brain((float)number)),
    };

    private static uint Brain(float number)
    {
        var bits = BitConverter.SingleToUInt32Bits(number);
        return (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF_0000;
    }

    private static double Unit(double stored, string dtype)
    {
        var (mantissa, smallest) = dtype switch
        {
            "float64" => (52, -1022),
            "float32" => (23, -126),
            "float16" => (10, -14),
            _ => (7, -126),
        };
        return Math.ScaleB(1, (stored == 0 ? smallest : Math.Max(smallest, Math.ILogB(stored))) - mantissa);
    }
}
