namespace QkvMigrate.Planning;

/// <summary>Advice, and when it is given.</summary>
/// <param name="Code">The stable code.</param>
/// <param name="IsGeneral">Whether it holds for every checkpoint of its kind; such advice is short in the default output.</param>
/// <param name="Message">One sentence.</param>
/// <param name="Applies">Whether it holds for a checkpoint.</param>
internal sealed record AdviceRule(string Code, bool IsGeneral, string Message, Func<AdviceFacts, bool> Applies);
