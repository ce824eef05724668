using QkvMigrate.Attention;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>What is wrong with a LoRA, or what has to be said about it, is told in one line; nothing is written.</summary>
public sealed class LoraRefusalTests : IDisposable
{
    private const string A = "tensor 'transformer.h.0.attn.attn.lora_A'";
    private const string B = "tensor 'transformer.h.0.attn.attn.lora_B'";
    private static readonly AttentionGeometry Gqa = new(6, 2, 4);
    private static readonly AttentionGeometry Mha = new(4, 4, 3);
    private static readonly LoraSections QueryAndValue = new(true, false, true);
    private static readonly LoraOptions Expand = new(LoraTreatment.Expand);
    private static readonly LoraOptions ExpandBefore900 = new(LoraTreatment.Expand, IsBefore900: true);

    private readonly LoraFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void All_of_three_need_a_word() => AssertRefused(
        new LoraModel(Gqa, LoraSections.All),
        new LoraOptions(),
        FailureKind.Unsupported,
        $"{B}: q, k and v all have LoRA, and LitGPT then added row i of its delta to row i of the interleaved matrix: a new name alone would move it to other heads; --lora expand keeps it exactly, at rank 6 instead of 2, and --lora merge adds it to its base");

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Infinity_and_NaN_are_not_expanded(float number)
    {
        var model = new LoraModel(Gqa, LoraSections.All);
        model.A[3][5] = number;
        AssertRefused(
            model,
            Expand,
            FailureKind.Unsupported,
            $"{A}: --lora expand: the number in row 3, column 5 is infinite or NaN, and times zero, by which all other sections' rows would be multiplied with it, is NaN; upgrade --lora merge adds the LoRA as it is");
    }

    [Fact]
    public void The_early_era_needs_a_word() => AssertRefused(
        new LoraModel(Gqa, QueryAndValue),
        new LoraOptions(IsBefore900: true),
        FailureKind.Unsupported,
        $"{B}: this LoRA is from before #900, and LitGPT then added row i of its delta to row i of the interleaved matrix: a new name alone would move it to other heads; --lora expand keeps it exactly, at rank 4 instead of 2, and --lora merge adds it to its base");

    [Fact]
    public void Which_of_three_is_asked_for_where_the_shape_fits_several() => AssertRefused(
        new LoraModel(Gqa, QueryAndValue),
        ExpandBefore900,
        FailureKind.Geometry,
        $"{B}: its shape fits (q, k) as well as (q, v); lora_query, lora_key and lora_value in a hyperparameters.yaml beside the file settle it",
        hyperparameters: null);

    [Fact]
    public void Hyperparameters_that_fit_none_of_them_settle_nothing() => AssertRefused(
        new LoraModel(Mha, QueryAndValue),
        ExpandBefore900,
        FailureKind.Geometry,
        $"{B}: its shape fits (q, k) as well as (q, v) as well as (k, v); lora_query, lora_key and lora_value in the hyperparameters.yaml beside the file settle it, and do not say one of these",
        hyperparameters: "lora_query: true\nlora_key: true\nlora_value: true\n");

    [Fact]
    public void Rows_that_no_choice_has_are_refused()
    {
        var model = new LoraModel(Gqa, QueryAndValue);
        AssertRefused(
            model,
            new LoraOptions(),
            FailureKind.Geometry,
            $"{B}: it has 30 rows, which no 2 of q (24 rows), k (8) and v (8) have together, and lora_A's 4 rows are 2 times the rank 2",
            change: tensor => tensor.Name.EndsWith("attn.lora_B", StringComparison.Ordinal) ? tensor with { Shape = [30, 2], Bytes = tensor.Bytes[..(60 * sizeof(float))] } : tensor);
    }

    [Fact]
    public void Matrices_that_do_not_fit_together_are_refused() => AssertRefused(
        new LoraModel(Gqa, QueryAndValue),
        new LoraOptions(),
        FailureKind.Geometry,
        $"{A}: float32 (3, 24) and lora_B's float32 (32, 2) make no LoRA: lora_A has 1, 2 or 3 times as many rows as lora_B has columns",
        change: tensor => tensor.Name.EndsWith("attn.lora_A", StringComparison.Ordinal) ? tensor with { Shape = [3, 24], Bytes = tensor.Bytes[..(72 * sizeof(float))] } : tensor);

    [Fact]
    public void Half_a_pair_is_refused()
    {
        var model = new LoraModel(Gqa, QueryAndValue);
        _folder.Write([.. model.Tensors().Where(tensor => !tensor.Name.EndsWith("attn.lora_B", StringComparison.Ordinal))], model.ModelConfiguration(), model.Hyperparameters());
        AssertRefused(new LoraOptions(), FailureKind.Malformed, $"{A}: it stands without its lora_B");
    }

    [Fact]
    public void Another_rank_in_another_layer_is_refused() => AssertRefused(
        new LoraModel(Gqa, LoraSections.All),
        Expand,
        FailureKind.Unsupported,
        $"tensor 'transformer.h.0.attn.proj.lora_A': --lora expand: its lora_B has shape (24, 1), that of 'transformer.h.0.attn.attn.lora_B' (40, 2); LitGPT has one rank and one choice of q, k and v for all layers",
        change: tensor => tensor.Name.EndsWith("proj.lora_A", StringComparison.Ordinal) ? tensor with { Shape = [1, 24], Bytes = tensor.Bytes[..(24 * sizeof(float))] }
            : tensor.Name.EndsWith("proj.lora_B", StringComparison.Ordinal) ? tensor with { Shape = [24, 1], Bytes = tensor.Bytes[..(24 * sizeof(float))] }
            : tensor);

    [Fact]
    public void A_matrix_that_shares_its_bytes_is_not_expanded()
    {
        var model = new LoraModel(Gqa, LoraSections.All);
        var tensors = model.Tensors();
        _folder.Write([.. tensors, tensors[0] with { Name = "alias" }], model.ModelConfiguration(), model.Hyperparameters());
        AssertRefused(Expand, FailureKind.Unsupported, $"{A}: its bytes are shared with another tensor, so that it cannot be expanded");
    }

    [Theory]
    [InlineData("lora_r: 8\nlora_alpha: 16\n", FailureKind.Conflict, "line 1: lora_r is 8, but the checkpoint's LoRA has rank 2")]
    [InlineData("lora_r: 2\n", FailureKind.Malformed, "line 1: no lora_alpha, which LitGPT's fine-tuning with LoRA saves here")]
    [InlineData("lora_alpha: 2\n", FailureKind.Malformed, "line 1: no lora_r, which LitGPT's fine-tuning with LoRA saves here")]
    [InlineData("lora_r: '2'\nlora_alpha: 16\n", FailureKind.Malformed, "line 1: lora_r is '2', expected a number without quotes")]
    [InlineData("lora_r: 2\nlora_alpha: '16'\n", FailureKind.Malformed, "line 2: lora_alpha is '16', expected a number without quotes")]
    [InlineData("lora_r: 2\nlora_alpha: many\n", FailureKind.Malformed, "line 2: lora_alpha is 'many', expected a number")]
    [InlineData("{lora_r: 2, lora_alpha: 16}\n", FailureKind.Unsupported, "line 1: lora_r has to change, but does not stand in a line of its own")]
    public void Hyperparameters_that_cannot_follow_are_refused(string yaml, FailureKind kind, string message)
    {
        var model = new LoraModel(Gqa, LoraSections.All);
        _folder.Write(model.Tensors(), model.ModelConfiguration(), yaml);
        AssertRefused(Expand, kind, message, "hyperparameters.yaml");
    }

    private void AssertRefused(LoraModel model, LoraOptions options, FailureKind kind, string message, string? hyperparameters = "", Func<StoredTensor, StoredTensor>? change = null)
    {
        _folder.Write([.. model.Tensors().Select(change ?? (tensor => tensor))], model.ModelConfiguration(), hyperparameters?.Length == 0 ? model.Hyperparameters() : hyperparameters);
        AssertRefused(options, kind, message);
    }

    private void AssertRefused(LoraOptions options, FailureKind kind, string message, string file = "lit_model.pth.lora")
    {
        var report = _folder.Upgrade(options);
        Assert.Equal(CheckpointStatus.Refused, report.Status);
        Assert.Equal($"{Path.Combine(_folder.Legacy, file)}: {message}", report.Error!.Message);
        Assert.Equal(kind, report.Error.Kind);
        Assert.False(Directory.Exists(_folder.Upgraded));
    }
}
