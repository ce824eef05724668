namespace QkvMigrate.Planning;

/// <summary>Why a tensor moves although it is no parameter.</summary>
public enum FollowerKind
{
    /// <summary>Nothing: the tensor is a parameter by its name.</summary>
    None,

    /// <summary>What an optimizer keeps for the parameter.</summary>
    Moment,

    /// <summary>A copy of the parameter, or what belongs to its elements, that stands without its name.</summary>
    Copy,
}
