using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>Adds products by plain loops, of float32 alone.</summary>
internal sealed class PlainUpdater : ILowRankUpdater
{
    public ILowRankUpdate Begin(LoraMatrix a, LoraMatrix b, double scaling, DType weight) => new Update(Rows(a), Rows(b), (float)scaling);

    private static float[][] Rows(LoraMatrix matrix) => [.. MemoryMarshal.Cast<byte, float>(matrix.Bytes.Span).ToArray().Chunk((int)matrix.Columns)];

    private sealed class Update(float[][] a, float[][] b, float scaling) : ILowRankUpdate
    {
        public void AddTo(Span<byte> rows, long rowOfB, long rowOfA)
        {
            var values = MemoryMarshal.Cast<byte, float>(rows);
            var columns = a[0].Length;
            for (var i = 0; i < values.Length; i++)
            {
                var factors = b[rowOfB + (i / columns)];
                values[i] += scaling * factors.Select((factor, r) => factor * a[rowOfA + r][i % columns]).Sum();
            }
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
