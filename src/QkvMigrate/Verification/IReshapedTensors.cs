using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>Tensors that the second file must describe in another way than the first, and whose bytes are compared by what they mean.</summary>
internal interface IReshapedTensors
{
    /// <summary>A tensor as the second file must describe it, or null where it does not change.</summary>
    TensorEntry? After(TensorEntry tensor);

    /// <summary>The bytes that a storage must have in the second file, or null where its bytes are compared as bytes.</summary>
    long? LengthAfter(StorageEntry storage);
}
