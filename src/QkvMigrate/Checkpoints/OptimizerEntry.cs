namespace QkvMigrate.Checkpoints;

/// <summary>What an optimizer keeps for one parameter.</summary>
/// <param name="Id">The parameter's number in the order of the optimizer, or its name (FSDP).</param>
/// <param name="Names">The places where the parameter is named by a string: the key of its state, the lists of its group.</param>
/// <param name="State">The tensors of its state, at any depth: moments, counters.</param>
public sealed record OptimizerParameter(string Id, IReadOnlyList<NameEntry> Names, IReadOnlyList<TensorEntry> State)
{
    /// <summary>Whether the optimizer knows the parameter by a number instead of a name.</summary>
    public bool IsNumbered => Names.Count == 0;

    /// <summary>The parameter's name in the <c>param_names</c> of its group, which PyTorch writes from 2.6 on (<c>named_parameters()</c>).</summary>
    public NameEntry? Given { get; init; }

    /// <summary>The group that it is in, from 0; −1 for a state without a group.</summary>
    public int Group { get; init; } = -1;

    /// <summary>The name by which the file knows it, or null where it has none.</summary>
    internal string? Name => IsNumbered ? Given?.Text : Id;

    /// <summary>What is like a tensor in its state and is none of <see cref="State"/>: keys, and what stands there.</summary>
    public IReadOnlyList<string> Unreadable { get; init; } = [];

    /// <summary>Whether the optimizer keeps something for it.</summary>
    internal bool HasState => State.Count + Unreadable.Count > 0;
}

/// <summary>
/// The state dict of an optimizer, <c>{"state": {id: {...}}, "param_groups": [{"params": [id, ...]}]}</c>
/// (torch/optim/optimizer.py, <c>Optimizer.state_dict</c>).
/// </summary>
/// <param name="Path">Where it stands in the checkpoint.</param>
/// <param name="Parameters">Its parameters, in the order of its groups.</param>
public sealed record OptimizerEntry(string Path, IReadOnlyList<OptimizerParameter> Parameters)
{
    /// <summary>What holds the tensors of its state.</summary>
    internal IEnumerable<ContainerEntry> StateContainers =>
        Parameters.SelectMany(parameter => parameter.State).Select(state => state.Container);

    /// <summary>Whether it keeps something for a parameter: it does from its first step on.</summary>
    internal bool HasState => Parameters.Any(parameter => parameter.HasState);

    /// <summary>Why its <c>param_names</c> are not the names of its parameters, or null where they are, or where it has none.</summary>
    internal string? NameProblem { get; init; }
}
