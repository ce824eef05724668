using QkvMigrate.Attention;
using QkvMigrate.Testing.Checkpoints;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>
/// One layer of fused attention with LoRA, and an attn.proj with LoRA beside it, by LitGPT's definition
/// (litgpt/lora.py, LoRAQKVLinear and LoRALinear). Nothing here uses the library's permutations or expansions.
/// </summary>
internal sealed class LoraModel
{
    public const int Rank = 2;
    public const int Alpha = 16;
    public const string Prefix = "transformer.h.0.attn.";

    private readonly long[] _rows;
    private readonly bool[] _enabled;

    public LoraModel(AttentionGeometry geometry, LoraSections sections)
    {
        Geometry = geometry;
        Sections = sections;
        _enabled = [sections.Query, sections.Key, sections.Value];
        var size = geometry.HeadSize;
        _rows = [geometry.HeadCount * size, geometry.QueryGroupCount * size, geometry.QueryGroupCount * size];
        Width = geometry.HeadCount * size;
        Base = Matrix.Distinct(_rows.Sum(), Width, -100);
        A = Matrix.Distinct(sections.Count * Rank, Width, 1);
        B = Matrix.Distinct(_rows.Where((_, section) => _enabled[section]).Sum(), Rank, -7);
        ProjectionA = Matrix.Distinct(Rank, Width, 3);
        ProjectionB = Matrix.Distinct(Width, Rank, 11);
    }

    public AttentionGeometry Geometry { get; }

    public LoraSections Sections { get; }

    /// <summary>Columns of the fused matrix.</summary>
    public int Width { get; }

    public float[][] Base { get; }

    public float[][] A { get; }

    public float[][] B { get; }

    public float[][] ProjectionA { get; }

    public float[][] ProjectionB { get; }

    /// <summary>The scaled delta's sections one behind the other, zeros where there is no LoRA: what early LitGPT added to the interleaved rows.</summary>
    public float[][] SequentialDelta() =>
        Matrix.Scaled(SequentialDelta(A, B, _enabled, _rows), (double)Alpha / Rank);

    /// <summary>The same for any matrices: <c>[B_q·A_q; B_k·A_k; B_v·A_v]</c>.</summary>
    public static float[][] SequentialDelta(float[][] a, float[][] b, bool[] enabled, long[] rows)
    {
        var rank = b[0].Length;
        var delta = new List<float[]>();
        var (nextA, nextB) = (0, 0);
        for (var section = 0; section < rows.Length; section++)
        {
            if (!enabled[section])
            {
                delta.AddRange(Matrix.Zeros(rows[section], a[0].Length));
                continue;
            }

            delta.AddRange(Matrix.Product(b[nextB..(nextB + (int)rows[section])], a[nextA..(nextA + rank)]));
            nextA += rank;
            nextB += (int)rows[section];
        }

        return [.. delta];
    }

    /// <summary>The scaled delta of an upgraded LoRA, by the rules of LitGPT since 0.5.4: sequential rows, all of q, k and v enabled.</summary>
    public float[][] UpgradedDelta(float[][] a, float[][] b, double alpha) =>
        Matrix.Scaled(SequentialDelta(a, b, [true, true, true], _rows), alpha / b[0].Length);

    /// <summary>Interleaved rows in sequential order: q of all groups, then k, then v.</summary>
    public float[][] ToSequential(float[][] interleaved)
    {
        var size = Geometry.HeadSize;
        var queries = Geometry.HeadCount / Geometry.QueryGroupCount;
        var heads = interleaved.Chunk(size).Select((rows, index) => (rows, place: index % (queries + 2))).ToList();
        return
        [
            .. heads.Where(head => head.place < queries).SelectMany(head => head.rows),
            .. heads.Where(head => head.place == queries).SelectMany(head => head.rows),
            .. heads.Where(head => head.place == queries + 1).SelectMany(head => head.rows),
        ];
    }

    /// <summary>The state dict under the legacy names.</summary>
    public IReadOnlyList<StoredTensor> Tensors() =>
    [
        Tensor("attn.lora_A", A, 0),
        Tensor("attn.lora_B", B, 1),
        Tensor("attn.linear.weight", Base, 2),
        Tensor("proj.lora_A", ProjectionA, 3),
        Tensor("proj.lora_B", ProjectionB, 4),
        Tensor("proj.linear.weight", Matrix.Distinct(Width, Width, 50), 5),
    ];

    public string ModelConfiguration() =>
        $"n_embd: {Width}\nn_head: {Geometry.HeadCount}\nn_query_groups: {Geometry.QueryGroupCount}\nhead_size: {Geometry.HeadSize}\n";

    public string Hyperparameters() =>
        $"checkpoint_dir: checkpoints/base\nprecision: null\nlora_r: {Rank}\nlora_alpha: {Alpha}\nlora_dropout: 0.05\nlora_query: {Yaml(Sections.Query)}\nlora_key: {Yaml(Sections.Key)}\nlora_value: {Yaml(Sections.Value)}\nlora_projection: true\nseed: 1337\n";

    private static string Yaml(bool flag) => flag ? "true" : "false";

    private static StoredTensor Tensor(string name, float[][] rows, int storage) =>
        StoredTensor.Floats(Prefix + name, [.. rows.SelectMany(row => row)], [rows.Length, rows[0].Length], storage);
}
