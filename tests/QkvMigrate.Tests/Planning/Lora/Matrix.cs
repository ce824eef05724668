namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>The little linear algebra that LoRA is made of. Tests use whole numbers, of which float32 computes exactly.</summary>
internal static class Matrix
{
    /// <summary>Rows with values that are all different: first, first + 1, ...</summary>
    public static float[][] Distinct(long rows, long columns, int first) =>
        [.. Enumerable.Range(0, (int)rows).Select(row => Enumerable.Range(0, (int)columns).Select(column => (float)(first + (row * columns) + column)).ToArray())];

    public static float[][] Zeros(long rows, long columns) =>
        [.. Enumerable.Range(0, (int)rows).Select(_ => new float[columns])];

    public static float[][] Product(float[][] left, float[][] right) =>
        [.. left.Select(row => Enumerable.Range(0, right[0].Length).Select(column => Enumerable.Range(0, row.Length).Sum(i => row[i] * right[i][column])).ToArray())];

    public static float[][] Sum(float[][] left, float[][] right) =>
        [.. left.Zip(right, (one, other) => one.Zip(other, (a, b) => a + b).ToArray())];

    public static float[][] Scaled(float[][] matrix, double factor) =>
        [.. matrix.Select(row => row.Select(value => (float)(value * factor)).ToArray())];
}
