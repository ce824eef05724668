using System.Text.Json;
using Xunit;

namespace QkvMigrate.Tests.Verification.Exports;

/// <summary>
/// Numbers in a <c>config.json</c> that is made: Transformers 5 refuses a configuration that has 50 where its class says float, and 50.0
/// where it says int (transformers, configuration_*.py; huggingface_hub, dataclasses.py, <c>strict</c>).
/// </summary>
public sealed class ExportedNumberTests
{
    private static readonly HashSet<string> Reals =
    [
        "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "attn_logit_softcapping", "final_logit_softcapping", "rope_theta", "rotary_emb_base", "rotary_pct",
        "partial_rotary_factor", "factor", "low_freq_factor", "high_freq_factor", "rope_local_base_freq", "attention_dropout", "hidden_dropout", "embd_pdrop", "resid_pdrop",
    ];

    public static TheoryData<string> Families => [.. ModelOfAFamily.All];

    [Theory]
    [MemberData(nameof(Families))]
    public void Have_a_point_where_Transformers_takes_a_float_and_none_where_it_takes_an_int(string family)
    {
        using var pair = ExportedPair.Of(family);
        using var configuration = JsonDocument.Parse(pair.Files["config.json"]);
        Assert.All(
            Numbers(configuration.RootElement),
            number => Assert.True(Reals.Contains(number.Name) == number.Value.GetRawText().AsSpan().ContainsAny('.', 'E', 'e'), $"{number.Name}: {number.Value.GetRawText()}"),
            throwIfEmpty: true);
    }

    private static IEnumerable<JsonProperty> Numbers(JsonElement fields) => fields.EnumerateObject().SelectMany(field => field.Value.ValueKind switch
    {
        JsonValueKind.Number => [field],
        JsonValueKind.Object => Numbers(field.Value),
        _ => Enumerable.Empty<JsonProperty>(),
    });
}
