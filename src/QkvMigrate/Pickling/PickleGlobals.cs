namespace QkvMigrate.Pickling;

/// <summary>A class or function that the pickle names. It is never looked up.</summary>
internal sealed class PickleGlobal(int offset, int start, string module, string name) : PickleNode(offset)
{
    private string? fullName;

    /// <summary>The instruction with which the name begins: that of the module's string where the name is made of two, else its own.</summary>
    public int Start { get; } = start;

    /// <summary>The module, as in <c>torch._utils</c>.</summary>
    public string Module { get; } = module;

    /// <summary>The name within the module; may have dots of its own.</summary>
    public string Name { get; } = name;

    /// <summary>The dotted name, as in <c>torch._utils._rebuild_tensor_v2</c>.</summary>
    public string FullName => fullName ??= $"{Module}.{Name}";
}

/// <summary>A code of <c>copyreg</c>'s extension registry, which stands for a global.</summary>
internal sealed class PickleExtension(int offset, long code) : PickleNode(offset)
{
    /// <summary>The code.</summary>
    public long Code { get; } = code;
}

/// <summary>A global whose module or name the pickle does not write but makes while it is loaded (STACK_GLOBAL on what a call returned).</summary>
internal sealed class PickleComputedGlobal(int offset) : PickleNode(offset);

/// <summary>A persistent id: PyTorch's way to name a storage.</summary>
internal sealed class PicklePersistent(int offset, PickleItem id) : PickleNode(offset)
{
    /// <summary>What identifies the object.</summary>
    public PickleItem Id { get; } = id;
}
