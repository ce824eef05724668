using QkvMigrate.Attention;

namespace QkvMigrate.Layouts;

/// <summary>
/// One way in which a project stores fused attention: the names of its keys, the order of its rows, and the words by which
/// reports speak of it. Pure data: a new family is an entry of <see cref="LayoutFamilies"/>.
/// </summary>
public sealed class LayoutFamily
{
    internal LayoutFamily()
    {
    }

    /// <summary>The word for it in JSON and in records.</summary>
    public required string Name { get; init; }

    /// <summary>The path of the fused module within its block, as it stands in a key; empty for no fused attention.</summary>
    public required string Module { get; init; }

    /// <summary>The module's own name: the last component of its path.</summary>
    public string ModuleName => Module[(Module.LastIndexOf('.') + 1)..];

    /// <summary>The key within the block whose columns are <c>n_head·head_size</c>, or null where the geometry is never asked for.</summary>
    public string? Projection { get; init; }

    /// <summary>The order of the fused rows, or null where there are none.</summary>
    public RowOrder? Rows { get; init; }

    /// <summary>The order of the fused rows.</summary>
    /// <exception cref="InvalidOperationException">The family has none.</exception>
    internal RowOrder FusedRows => Rows ?? throw new InvalidOperationException($"{Name} has no fused rows");

    /// <summary>The tensors that the module can hold, and how each follows the rows.</summary>
    public IReadOnlyList<FusedTensorRule> Rules { get; init; } = [];

    /// <summary>Which side of LitGPT's change it is, or null where it is not LitGPT's.</summary>
    public LitGptAge? Age { get; init; }

    /// <summary>What it is, in one phrase.</summary>
    public required string Description { get; init; }

    /// <summary>Why a file of this family is left alone, in one phrase.</summary>
    public required string NothingToDo { get; init; }

    /// <summary>Whether LitGPT wrote it, so that it can be upgraded or downgraded.</summary>
    public bool IsLitGpts => Age is not null;

    /// <summary>The rule for a tensor, or null where the project never wrote one of its suffix.</summary>
    /// <param name="suffix">The key behind the module's name.</param>
    /// <param name="siblings">The suffixes of all tensors of the module.</param>
    public FusedTensorRule? Rule(string suffix, IReadOnlySet<string> siblings)
    {
        FusedTensorRule? usual = null;
        for (var i = 0; i < Rules.Count; i++)
        {
            var rule = Rules[i];
            if (rule.Suffix != suffix)
            {
                continue;
            }

            if (rule.Beside is null)
            {
                usual ??= rule;
            }
            else if (siblings.Contains(rule.Beside))
            {
                return rule;
            }
        }

        return usual;
    }

    /// <summary>Whether <see cref="Rule"/> for a suffix depends on which tensors the module has besides.</summary>
    internal bool HasSiblingRule(string suffix) => Rules.Any(rule => rule.Suffix == suffix && rule.Beside is not null);

    /// <summary>The rows of a fused tensor of this family in the order of another family's.</summary>
    /// <param name="other">The other family.</param>
    /// <param name="geometry">The geometry.</param>
    /// <exception cref="InvalidOperationException">One of the two has no fused rows.</exception>
    internal RowPermutation PermutationTo(LayoutFamily other, AttentionGeometry geometry) =>
        RowPermutation.Between(geometry, FusedRows, other.FusedRows);

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The two sides of pull request #1013, by which LitGPT changed its layout.</summary>
public enum LitGptAge
{
    /// <summary>Before it, until 0.5.3.</summary>
    Legacy,

    /// <summary>Since then.</summary>
    Current,
}
