using System.Buffers.Binary;
using System.Text;
using BenchmarkDotNet.Attributes;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Layouts;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Lora;

namespace QkvMigrate.Benchmarks;

/// <summary>
/// Planning the upgrade of a checkpoint that is described already, by the number of its fused tensors, beside what
/// PyTorch's <c>index_select</c> would need: an index for each row. Bytes are those of the header that describes them.
/// </summary>
[MemoryDiagnoser]
public class PlanBenchmark : IMeasured, IDisposable
{
    private const int Columns = 64;

    private static readonly ResolvedGeometry Geometry = new(new AttentionGeometry(32, 8, 64), "the benchmark", []);

    private string path = "";
    private Checkpoint? checkpoint;

    [Params(1_000, 100_000)]
    public int Tensors { get; set; }

    public long ByteCount => Header(Tensors).Length;

    [GlobalSetup]
    public void Setup()
    {
        path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.safetensors");
        using (var file = File.Create(path))
        {
            var header = Header(Tensors);
            Span<byte> length = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            file.Write(length);
            file.Write(header);

            // A hole in the file: planning reads no tensor.
            file.SetLength(file.Position + (Tensors * TensorBytes));
        }

        checkpoint = Checkpoint.Open(path);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        checkpoint?.Dispose();
        File.Delete(path);
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public long IndexForEachRow() => checkpoint!.Tensors.Sum(_ => Indices().LongLength);

    [Benchmark]
    public int Plan()
    {
        var outline = MigrationPlanner.Outline(AttentionScan.Of(checkpoint!), Conversion.Upgrade);
        return MigrationPlanner.Plan(outline, Geometry, new LoraOptions()).Rewrite!.Output.Segments.Count;
    }

    private static long TensorBytes => Geometry.Geometry.FusedRows * Columns * sizeof(ushort);

    private static long[] Indices()
    {
        var (groups, queries, size) = (Geometry.Geometry.QueryGroupCount, Geometry.Geometry.QueriesPerGroup, Geometry.Geometry.HeadSize);
        return
        [
            .. Heads(Enumerable.Range(0, queries)),
            .. Heads([queries]),
            .. Heads([queries + 1]),
        ];

        IEnumerable<long> Heads(IEnumerable<int> heads) =>
            from @group in Enumerable.Range(0, groups)
            from head in heads
            from row in Enumerable.Range(0, size)
            select ((((long)@group * (queries + 2)) + head) * size) + row;
    }

    private static byte[] Header(int tensors)
    {
        var entries = Enumerable.Range(0, tensors).Select(i =>
            $"\"transformer.h.{i}.attn.attn.weight\":{{\"dtype\":\"F16\",\"shape\":[{Geometry.Geometry.FusedRows},{Columns}],\"data_offsets\":[{i * TensorBytes},{(i + 1) * TensorBytes}]}}");
        return Encoding.UTF8.GetBytes($"{{{string.Join(',', entries)}}}");
    }
}
