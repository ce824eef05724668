using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning;

/// <summary>
/// Says of two views of one storage whether they have a byte in common: exactly, for any strides. An element of one at the
/// place of an element of the other is a sum of strides with bounded factors; the search for one goes from the largest stride
/// down, which for strides of real tensors leaves one or two factors each.
/// </summary>
internal sealed class SharedBytes
{
    /// <summary>More steps than this mean strides, or so many views in one another's way, as no model has.</summary>
    private const long MostSteps = 1L << 26;

    private long steps;

    /// <summary>Whether <paramref name="one"/> and <paramref name="other"/>, which have elements, have a byte in common.</summary>
    /// <exception cref="MigrationException">It takes too long to tell.</exception>
    public bool Any(TensorEntry one, TensorEntry other)
    {
        // one.start + sum(i * stride) + byte = other.start + sum(j * stride) + byte', where i, j and the bytes run up to a size.
        // With j and byte' counted from their last, all terms stand on one side and are positive.
        var terms = Terms(one).Concat(Terms(other)).GroupBy(term => term.Stride, term => term.Most).OrderByDescending(term => term.Key);
        return new Sum([.. terms.Select(term => (term.Key, term.Sum()))]).CanBe(other.FileOffset + other.Extent - 1 - one.FileOffset, Step);

        void Step() => Spend(one, other);
    }

    /// <summary>Counts a step of whoever looks for pairs.</summary>
    /// <exception cref="MigrationException">They are too many.</exception>
    public void Spend(TensorEntry one, TensorEntry other)
    {
        if (++steps > MostSteps)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"whether it shares bytes with tensor '{other.Label}' takes more than {MostSteps} steps to tell (strides ({string.Join(", ", one.Strides)}) "
                + $"and ({string.Join(", ", other.Strides)})); save it as a tensor of its own (clone)",
                where: $"tensor '{one.Label}'");
        }
    }

    private static IEnumerable<(long Stride, long Most)> Terms(TensorEntry tensor) =>
        Enumerable.Range(0, tensor.Shape.Count)
            .Where(i => tensor.Shape[i] > 1 && tensor.Strides[i] > 0)
            .Select(i => (tensor.Strides[i] * tensor.DType.ItemSize, tensor.Shape[i] - 1))
            .Append((1L, tensor.DType.ItemSize - 1L));

    /// <summary>Sums of strides, each taken from no times to a most.</summary>
    private sealed class Sum
    {
        private readonly (long Stride, long Most)[] terms;

        /// <summary>The largest sum of the terms from each on.</summary>
        private readonly long[] largest;

        /// <summary>Whether the terms from each on make every number up to the largest.</summary>
        private readonly bool[] isGapless;

        /// <summary>Prepares for terms with the largest stride first; the last is 1.</summary>
        public Sum((long Stride, long Most)[] terms)
        {
            this.terms = terms;
            largest = new long[terms.Length + 1];
            isGapless = new bool[terms.Length + 1];
            isGapless[^1] = true;
            for (var i = terms.Length - 1; i >= 0; i--)
            {
                largest[i] = checked(largest[i + 1] + (terms[i].Stride * terms[i].Most));
                isGapless[i] = isGapless[i + 1] && (terms[i].Most == 0 || terms[i].Stride <= largest[i + 1] + 1);
            }
        }

        /// <summary>Whether one of the sums is <paramref name="wanted"/>.</summary>
        public bool CanBe(long wanted, Action step, int from = 0)
        {
            step();
            if (wanted < 0 || wanted > largest[from])
            {
                return false;
            }

            if (isGapless[from] || wanted == 0 || wanted == largest[from])
            {
                return true;
            }

            // Of this stride so many must be taken that the others can make the rest.
            var (stride, most) = terms[from];
            var least = Math.Max(0, wanted - largest[from + 1] + stride - 1) / stride;
            for (var count = Math.Min(most, wanted / stride); count >= least; count--)
            {
                if (CanBe(wanted - (count * stride), step, from + 1))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
