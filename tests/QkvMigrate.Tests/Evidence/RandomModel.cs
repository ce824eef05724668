using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;

namespace QkvMigrate.Tests.Evidence;

/// <summary>Two layers with weights of one normal distribution, as before the first step of training: 64 rows of 32 columns, with the projection beside them.</summary>
internal static class RandomModel
{
    private const int Layers = 2;
    private const int Rows = 64;
    private const int Columns = 32;

    private static readonly StateDict Shapes = new(
        [.. Enumerable.Range(0, Layers).SelectMany(layer => new[]
        {
            new TestTensor($"transformer.h.{layer}.attn.attn.weight", 2 * layer, [Rows, Columns], [Columns, 1]),
            new TestTensor($"transformer.h.{layer}.attn.proj.weight", (2 * layer) + 1, [Columns, Columns], [Columns, 1]),
        })],
        [.. Enumerable.Range(0, Layers).SelectMany(_ => new[] { Rows * Columns, Columns * Columns })]);

    public static byte[] Write(int seed)
    {
        var random = new Random(seed);
        var file = Shapes.ToFile();
        foreach (var entry in ZipSurgery.Entries(file).Where(entry => entry.Name.Contains("/data/", StringComparison.Ordinal)))
        {
            file = ZipSurgery.Edit(file, entry, bytes =>
            {
                for (var at = 0; at < bytes.Length; at += sizeof(float))
                {
                    BitConverter.GetBytes((float)Normal(random)).CopyTo(bytes, at);
                }
            });
        }

        return file;
    }

    private static double Normal(Random random) =>
        0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
