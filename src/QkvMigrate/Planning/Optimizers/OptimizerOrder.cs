namespace QkvMigrate.Planning.Optimizers;

/// <summary>What is taken for the order in which an optimizer numbers its parameters.</summary>
public enum OptimizerOrder
{
    /// <summary>What names, shapes and groups prove; where they leave a choice that matters, the file is refused.</summary>
    Proven,

    /// <summary>That of the model's tensors: the user says so. Shapes that speak against it are still refused.</summary>
    Model,
}
