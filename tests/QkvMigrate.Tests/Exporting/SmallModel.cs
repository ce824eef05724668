using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using QkvMigrate.Exporting;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Exporting;

/// <summary>
/// LitGPT's checkpoint of a model of one layer, width 16, 4 heads in 2 groups of 4 rows, an MLP of width 24 and 32 tokens,
/// as safetensors: every number of it is another. What differs is said by lines of its configuration.
/// </summary>
internal sealed class SmallModel : IDisposable
{
    /// <summary>The sequential rows in the order of a legacy checkpoint.</summary>
    private static readonly (int Start, int End)[] Interleaved = [(0, 8), (16, 20), (24, 28), (8, 16), (20, 24), (28, 32)];

    private readonly WorkFolder _folder = new();
    private readonly Dictionary<string, (int[] Shape, byte[] Bytes)> _tensors = new(StringComparer.Ordinal);

    public SmallModel(string configuration)
    {
        Directory.CreateDirectory(Source);
        File.WriteAllText(Path.Combine(Source, "model_config.yaml"), Configuration(configuration));
    }

    public string Source => _folder.At("checkpoint");

    public string Output => _folder.At("exported");

    public string CheckpointFile => Path.Combine(Source, "model.safetensors");

    public void Dispose() => _folder.Dispose();

    /// <summary>The whole configuration: the lines go before the usual ones.</summary>
    public static string Configuration(string lines)
    {
        const string usual = """
            name: mine
            block_size: 64
            n_layer: 1
            n_embd: 16
            vocab_size: 30
            padded_vocab_size: 32
            n_head: 4
            n_query_groups: 2
            head_size: 4
            intermediate_size: 24
            norm_class_name: RMSNorm
            norm_eps: 1.0e-06
            mlp_class_name: LLaMAMLP
            bias: false
            parallel_residual: false
            rotary_percentage: 1.0
            rope_base: 10000
            """;
        var own = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var given = own.Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).ToHashSet(StringComparer.Ordinal);
        return string.Join('\n', own.Concat(usual.Split('\n').Where(line => !given.Contains(line[..line.IndexOf(':', StringComparison.Ordinal)])))) + "\n";
    }

    /// <summary>Adds tensors: a line each, <c>name rows columns</c> or <c>name elements</c>.</summary>
    public SmallModel With(string tensors)
    {
        foreach (var words in tensors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(line => line.Split(' ')))
        {
            var shape = words.Skip(1).Select(word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray();
            var bytes = new byte[shape.Aggregate(sizeof(float), (count, size) => count * size)];
            for (var i = 0; i < bytes.Length; i += sizeof(float))
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i), (_tensors.Count * 10_000) + (i / sizeof(float)));
            }

            _tensors.Add(words[0], (shape, bytes));
        }

        return this;
    }

    /// <summary>Writes a file beside the checkpoint.</summary>
    public SmallModel Beside(string name, string text)
    {
        File.WriteAllText(Path.Combine(Source, name), text);
        return this;
    }

    /// <summary>Takes a tensor away.</summary>
    public SmallModel Without(string name)
    {
        Assert.True(_tensors.Remove(name));
        return this;
    }

    /// <summary>Writes the checkpoint, with the fused rows and names of today or of legacy LitGPT.</summary>
    public SmallModel Write(bool asLegacy = false)
    {
        var written = _tensors.ToDictionary(
            tensor => asLegacy ? tensor.Key.Replace(".attn.qkv.", ".attn.attn.", StringComparison.Ordinal) : tensor.Key,
            tensor => asLegacy && tensor.Key.Contains(".attn.qkv.", StringComparison.Ordinal) ? (tensor.Value.Shape, Rows(tensor.Value, Interleaved)) : tensor.Value);
        var header = new StringBuilder("{");
        var at = 0;
        foreach (var (name, (shape, bytes)) in written)
        {
            header.Append(CultureInfo.InvariantCulture, $"{(at == 0 ? "" : ",")}\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{at},{at + bytes.Length}]}}");
            at += bytes.Length;
        }

        var json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        var length = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        File.WriteAllBytes(CheckpointFile, [.. length, .. json, .. written.Values.SelectMany(tensor => tensor.Item2)]);
        return this;
    }

    /// <summary>
    /// The bytes that a sum of tensors and of ranges of their rows stands for: <c>a + b[4:8]</c>.
    /// </summary>
    public byte[] Evaluate(string sum) => [.. sum.Split(" + ").SelectMany(Part)];

    /// <summary>Exports it.</summary>
    public CheckpointReport Export(ExportOptions? options = null, bool dryRun = false, bool force = false, IWriteProgress? progress = null) => Migrator.Run(
        new MigrationRequest
        {
            Path = Source,
            Direction = MigrationDirection.Upgrade,
            Output = Output,
            Export = options ?? new ExportOptions(),
            DryRun = dryRun,
            Force = force,
            Progress = progress,
            Engine = () => throw new InvalidOperationException("an export reorders nothing"),
        },
        CancellationToken.None).Single();

    private IEnumerable<byte> Part(string part)
    {
        if (part.Split('[', ':', ']') is not [var name, var start, var end, _])
        {
            return _tensors[part].Bytes;
        }

        return Rows(_tensors[name], [(int.Parse(start, CultureInfo.InvariantCulture), int.Parse(end, CultureInfo.InvariantCulture))]);
    }

    private static byte[] Rows((int[] Shape, byte[] Bytes) tensor, (int Start, int End)[] runs)
    {
        var width = tensor.Bytes.Length / tensor.Shape[0];
        return [.. runs.SelectMany(run => tensor.Bytes[(run.Start * width)..(run.End * width)])];
    }
}
