namespace QkvMigrate;

/// <summary>Advice for whoever uses the checkpoint next.</summary>
/// <param name="Code">A stable code.</param>
/// <param name="Message">One sentence.</param>
public sealed record Advice(string Code, string Message)
{
    /// <summary>Whether it holds for every checkpoint of its kind, so that a short report names its code alone.</summary>
    public bool IsGeneral { get; init; }
}
