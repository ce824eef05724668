namespace QkvMigrate.Torch.Model;

/// <summary>The element type that a model computes in.</summary>
public enum ModelPrecision
{
    /// <summary>float32, whatever the checkpoint stores.</summary>
    Full,

    /// <summary>The type that the checkpoint stores; all its parameters must have one.</summary>
    AsStored,
}
