using QkvMigrate.Attention;

namespace QkvMigrate.Configuration;

/// <summary>
/// How a LoRA is kept exactly where its delta has to move: every section gets the stack of all enabled A's, and each row
/// of B stands in the columns of the A that it came from. The rank grows, and alpha with it, so that alpha/r stays.
/// </summary>
/// <param name="Rank">LitGPT's <c>lora_r</c> before.</param>
/// <param name="Sections">Which of q, k and v had LoRA; all three have it afterwards.</param>
internal sealed record LoraExpansion(long Rank, LoraSections Sections)
{
    /// <summary>By how much the rank and alpha grow.</summary>
    public int Factor => Sections.Count;

    /// <summary>LitGPT's <c>lora_r</c> afterwards.</summary>
    public long NewRank => checked(Rank * Factor);
}
