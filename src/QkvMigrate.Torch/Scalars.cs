using TorchSharp;
using static TorchSharp.torch;

namespace QkvMigrate.Torch;

/// <summary>
/// Numbers for TorchSharp's operations, held until the operation is over. TorchSharp hands libtorch the address in a
/// <see cref="Scalar"/> and keeps nothing of the object (Tensor.Math.cs: <c>target.Handle</c> is the last use). A collection on
/// another thread then finalizes it, and libtorch reads freed memory: it refuses an "Unknown scalar type", or computes with
/// another number. The same holds within TorchSharp where a plain sum makes its factor of 1.
/// </summary>
internal static class Scalars
{
    /// <summary>1, for good: the factor of the second summand in <see cref="Plus(Tensor, Tensor)"/>.</summary>
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>An operation with a number.</summary>
    public static Tensor With(double number, Func<Scalar, Tensor> operation)
    {
        using var scalar = number.ToScalar();
        return operation(scalar);
    }

    /// <summary>An operation with an integer.</summary>
    public static Tensor With(long number, Func<Scalar, Tensor> operation)
    {
        using var scalar = number.ToScalar();
        return operation(scalar);
    }

    /// <summary>An operation with two numbers.</summary>
    public static Tensor With(double first, double second, Func<Scalar, Scalar, Tensor> operation)
    {
        using var one = first.ToScalar();
        using var other = second.ToScalar();
        return operation(one, other);
    }

    /// <summary><c>start, start + 1, ... end - 1</c>, shape <c>(end - start)</c>.</summary>
    public static Tensor Range(long start, long end, ScalarType type, Device device, long step = 1)
    {
        using var first = start.ToScalar();
        using var limit = end.ToScalar();
        using var stride = step.ToScalar();
        return arange(first, limit, stride, type, device);
    }

    /// <summary>The elementwise sum.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>The sum with a number.</summary>
    public static Tensor Plus(this Tensor x, double number) => With(number, scalar => x.add(scalar, One));

    /// <summary>The elementwise sum, in the place of <paramref name="x"/>.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>The product with a number.</summary>
    public static Tensor Times(this Tensor x, double factor) => With(factor, x.mul);

    /// <summary>The quotient by a number.</summary>
    public static Tensor Over(this Tensor x, double divisor) => With(divisor, scalar => x.div(scalar));
}
