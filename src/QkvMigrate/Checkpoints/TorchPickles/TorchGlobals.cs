using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchPickles;

/// <summary>The functions and classes by which PyTorch pickles tensors (torch/_utils.py, torch/_tensor.py <c>__reduce_ex__</c>).</summary>
internal static class TorchGlobals
{
    /// <summary><c>(storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata])</c>.</summary>
    public const string RebuildTensorV2 = "torch._utils._rebuild_tensor_v2";

    /// <summary><c>(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])</c>: dtypes without a storage class.</summary>
    public const string RebuildTensorV3 = "torch._utils._rebuild_tensor_v3";

    /// <summary><c>(storage, storage_offset, size, stride)</c>: before PyTorch 0.4.</summary>
    public const string RebuildTensor = "torch._utils._rebuild_tensor";

    /// <summary><c>(tensor, requires_grad, backward_hooks)</c>.</summary>
    public const string RebuildParameter = "torch._utils._rebuild_parameter";

    /// <summary><c>(tensor, requires_grad, backward_hooks, state)</c>.</summary>
    public const string RebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";

    /// <summary><c>(function, type, arguments, state)</c>: subclasses of Tensor.</summary>
    public const string RebuildFromTypeV2 = "torch._tensor._rebuild_from_type_v2";

    /// <summary>Whether calling <paramref name="name"/> gives a plain strided tensor of its storage.</summary>
    public static bool IsStrided(string name) => name is RebuildTensorV2 or RebuildTensorV3 or RebuildTensor;

    /// <summary>Whether a class is Tensor itself, or Parameter, which adds nothing to its numbers.</summary>
    public static bool IsPlainTensor(string type) =>
        type is "torch.Tensor" or "torch._tensor.Tensor" or "torch.nn.parameter.Parameter" or "torch.nn.parameter.Buffer";

    /// <summary>
    /// The dtype that a storage's class stands for: <c>torch.HalfStorage</c>, or <c>torch.storage.UntypedStorage</c>
    /// (<c>_UntypedStorage</c> in 1.12) for bytes whose dtype the tensor names.
    /// </summary>
    public static DType? StorageType(PickleNode node) => node is PickleGlobal global && global.Module is "torch" or "torch.storage"
        ? DType.ByStorageClass(((PickleGlobal)node).Name.TrimStart('_'))
        : null;

    /// <summary>The dtype that a global such as <c>torch.uint16</c> names.</summary>
    public static DType? TensorType(PickleNode node) =>
        node is PickleGlobal { Module: "torch" } global ? DType.ByName(global.Name) : null;
}
