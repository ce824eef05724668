using System.Buffers.Binary;
using System.Text;
using BenchmarkDotNet.Attributes;
using QkvMigrate.Pickling;

namespace QkvMigrate.Benchmarks;

/// <summary>
/// Reading and editing the pickle of a state dict, by the number of its keys: the time for a key must not grow with their
/// number. Beside it a search for the name in the bytes as text, which is what one would write first, and leaves the
/// lengths of the keys wrong.
/// </summary>
[MemoryDiagnoser]
public class PickleBenchmark : IMeasured
{
    private byte[] pickle = [];
    private PickleScript? script;
    private Dictionary<int, string> renames = [];

    [Params(1_000, 100_000)]
    public int Keys { get; set; }

    public long ByteCount => Write(Keys).Length;

    [GlobalSetup]
    public void Setup()
    {
        pickle = Write(Keys);
        script = PickleMachine.Run(pickle).Script;
        renames = script.Strings.ToDictionary(literal => literal.Offset, literal => literal.Text.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal));
    }

    [Benchmark(Baseline = true)]
    public int SearchAndReplace() =>
        Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(pickle).Replace("attn.attn", "attn.qkv", StringComparison.Ordinal)).Length;

    [Benchmark]
    public int Read() => PickleMachine.Run(pickle).Script.Strings.Count;

    [Benchmark]
    public int Edit() => PickleEditor.Apply(script!, PickleRename.Plan(script!, renames)).Length;

    /// <summary>A dict of legacy keys to small tuples, in protocol 2 as <c>torch.save</c> writes it, every string in its own memo slot.</summary>
    private static byte[] Write(int keys)
    {
        using var stream = new MemoryStream();
        stream.Write([(byte)PickleOpcode.Proto, 2, (byte)PickleOpcode.EmptyDict, (byte)PickleOpcode.Mark]);
        Span<byte> number = stackalloc byte[sizeof(int)];
        for (var i = 0; i < keys; i++)
        {
            var key = Encoding.UTF8.GetBytes($"transformer.h.{i}.attn.attn.weight");
            BinaryPrimitives.WriteInt32LittleEndian(number, key.Length);
            stream.WriteByte((byte)PickleOpcode.BinUnicode);
            stream.Write(number);
            stream.Write(key);
            BinaryPrimitives.WriteInt32LittleEndian(number, i);
            stream.WriteByte((byte)PickleOpcode.LongBinPut);
            stream.Write(number);
            stream.Write([(byte)PickleOpcode.BinInt1, 7, (byte)PickleOpcode.BinInt1, 8, (byte)PickleOpcode.Tuple2]);
        }

        stream.Write([(byte)PickleOpcode.SetItems, (byte)PickleOpcode.Stop]);
        return stream.ToArray();
    }
}
