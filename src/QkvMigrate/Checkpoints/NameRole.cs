namespace QkvMigrate.Checkpoints;

/// <summary>What a name in a checkpoint is the name of.</summary>
public enum NameRole
{
    /// <summary>A key of a state dict, whose value is a tensor.</summary>
    TensorKey,

    /// <summary>A key of <c>_metadata</c>, by which <c>module.state_dict()</c> keeps a version for each module path.</summary>
    ModulePath,

    /// <summary>A parameter's name in an optimizer's state dict.</summary>
    ParameterName,

    /// <summary>A key under which a container stands in another one: a step of the way to a tensor.</summary>
    ContainerKey,

    /// <summary>A string that stands beside a tensor as a value: the first half of what <c>named_parameters()</c> yields.</summary>
    Value,
}
