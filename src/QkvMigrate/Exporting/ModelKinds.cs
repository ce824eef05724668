namespace QkvMigrate.Exporting;

/// <summary>Models with something in them that Hugging Face's have no place for, told by the components of their names.</summary>
internal static class ModelKinds
{
    private static readonly (string[] Components, string Problem)[] Refused =
    [
        (["lora_A", "lora_B"], "this has a LoRA in it; 'qkvmigrate upgrade --lora merge' makes a model of it that can be exported"),
        (
            ["adapter_wte", "gating_factor"],
            "this has LitGPT's adapter (v1) in it, which Hugging Face's models have no place for; export the model that it was trained on"),
        (
            ["adapter_bias", "adapter_scale"],
            "this has LitGPT's adapter v2 in it, which Hugging Face's models have no place for; export the model that it was trained on"),
        (
            ["quant_weight", "qweight", "qzeros", "zeros", "scales", "g_idx"],
            "this is quantized by GPTQ in a way that Hugging Face's models do not read; export the model that it was made from"),
        (
            ["absmax", "quant_map", "nested_absmax", "nested_quant_map", "quant_state", "SCB", "weight_format"],
            "this is quantized by bitsandbytes; export the model that it was made from"),
    ];

    /// <summary>Refuses a model of such a kind.</summary>
    /// <exception cref="MigrationException">It is one.</exception>
    public static void Check(ModelTensors model)
    {
        foreach (var (name, tensor) in model.Tensors)
        {
            var components = name.Split('.');
            if (Array.Find(Refused, kind => kind.Components.Any(components.Contains)) is { Problem: { } problem })
            {
                throw new MigrationException(FailureKind.Unsupported, problem, tensor.Storage.Source.Path, $"tensor '{tensor.Label}'");
            }
        }
    }
}
