using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// Whether two tensors look at a byte in common. A tensor is runs of bytes along axes of different strides. The axis of the
/// larger stride is taken apart first, and only those of its indices are followed whose rest can reach the other tensor; axes
/// of one stride are taken apart together, by how far the one is ahead of the other.
/// </summary>
internal sealed class ViewOverlap
{
    /// <summary>More steps than this mean strides, or so many tensors in one another's way, as no model has.</summary>
    private const long MostSteps = 1L << 26;

    private long steps;

    /// <summary>Whether two tensors of one storage, which have elements, have a byte in common.</summary>
    /// <exception cref="MigrationException">It takes too long to tell.</exception>
    public bool IsBetween(TensorEntry one, TensorEntry other)
    {
        var (left, right) = (new Runs(one), new Runs(other));
        return Meet(0, 0, other.FileOffset - one.FileOffset);

        // Whether what is left from an axis of each on meets, where the right one starts so many bytes behind the left one.
        bool Meet(int i, int j, long ahead)
        {
            Count(one);
            if (ahead >= left.Extents[i] || ahead <= -right.Extents[j])
            {
                return false;
            }

            var (hasLeft, hasRight) = (i < left.Axes.Count, j < right.Axes.Count);
            if (!hasLeft && !hasRight)
            {
                return true;
            }

            var (leftStride, rightStride) = (hasLeft ? left.Axes[i].Stride : 0, hasRight ? right.Axes[j].Stride : 0);
            var (leftStep, rightStep) = (leftStride >= rightStride, rightStride >= leftStride);
            var stride = Math.Max(leftStride, rightStride);
            var (nextLeft, nextRight) = (leftStep ? i + 1 : i, rightStep ? j + 1 : j);

            // Indices by which the left one goes ahead count from 0 up, those of the right one from 0 down.
            var (least, most) = (rightStep ? 1 - right.Axes[j].Count : 0, leftStep ? left.Axes[i].Count - 1 : 0);
            least = Math.Max(least, FloorDivide(ahead - left.Extents[nextLeft], stride) + 1);
            most = Math.Min(most, -FloorDivide(-ahead - right.Extents[nextRight], stride) - 1);
            for (var index = least; index <= most; index++)
            {
                if (Meet(nextLeft, nextRight, ahead - (index * stride)))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Counts a step of whoever looks for tensors that may have bytes in common.</summary>
    /// <exception cref="MigrationException">They are too many.</exception>
    public void Count(TensorEntry tensor)
    {
        if (++steps > MostSteps)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                $"with what it shares bytes takes more than {MostSteps} steps to tell, so it is not verified",
                where: $"tensor '{tensor.Label}'");
        }
    }

    private static long FloorDivide(long number, long divisor) => (number / divisor) - (number % divisor < 0 ? 1 : 0);

    /// <summary>A tensor as runs of bytes that lie together, and the axes along which the run is repeated, the largest stride first.</summary>
    private sealed class Runs
    {
        public Runs(TensorEntry tensor)
        {
            var size = tensor.DType.ItemSize;
            var axes = tensor.Shape.Zip(tensor.Strides, (count, stride) => (Count: count, Stride: stride * size))
                .Where(axis => axis.Count > 1 && axis.Stride > 0)
                .OrderBy(axis => axis.Stride)
                .ToList();
            var run = (long)size;
            while (axes.Count > 0 && axes[0].Stride <= run)
            {
                run += (axes[0].Count - 1) * axes[0].Stride;
                axes.RemoveAt(0);
            }

            Extents = new long[axes.Count + 1];
            Extents[^1] = run;
            for (var i = 0; i < axes.Count; i++)
            {
                Extents[^(i + 2)] = Extents[^(i + 1)] + ((axes[i].Count - 1) * axes[i].Stride);
            }

            axes.Reverse();
            Axes = axes;
        }

        /// <summary>How often each axis repeats what is below it, and how many bytes apart.</summary>
        public List<(long Count, long Stride)> Axes { get; }

        /// <summary>Bytes from the first to behind the last, of what is below each axis and of the whole.</summary>
        public long[] Extents { get; }
    }
}
