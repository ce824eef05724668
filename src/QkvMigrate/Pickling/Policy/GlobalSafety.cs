namespace QkvMigrate.Pickling.Policy;

/// <summary>What is known of a global that a pickle names.</summary>
public enum GlobalSafety
{
    /// <summary>A tensor or plain data.</summary>
    Safe,

    /// <summary>Nothing is known: a class of somebody's program, as a rule.</summary>
    Unknown,

    /// <summary>Loading the pickle with Python can run code by it.</summary>
    Dangerous,
}

/// <summary>A place where a pickle names something outside of itself.</summary>
/// <param name="Name">The dotted name, or in parentheses what stands there instead of one.</param>
/// <param name="Where">The part of the file that holds the pickle.</param>
/// <param name="Offset">The instruction that names it, in bytes from the start of that part.</param>
/// <param name="Safety">What is known of it.</param>
/// <param name="Why">What it is or does; null where nothing is known.</param>
public sealed record GlobalUse(string Name, string Where, long Offset, GlobalSafety Safety, string? Why);
