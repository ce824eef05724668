namespace QkvMigrate.Verification;

/// <summary>What a tensor without a parameter's name is to the fused tensors of its file.</summary>
internal enum UnnamedTensor
{
    /// <summary>Nothing: it stays.</summary>
    Other,

    /// <summary>A copy of one.</summary>
    Copy,

    /// <summary>Of the shape of one, and which parameter it is a copy of cannot be told.</summary>
    Untold,

    /// <summary>Of the shape of one, with a word for a name.</summary>
    Word,

    /// <summary>What may hold all parameters in one row.</summary>
    Flat,

    /// <summary>What can be made of fused tensors.</summary>
    Reshaped,
}
