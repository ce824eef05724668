namespace QkvMigrate.Attention;

/// <summary>The part of a fused attention matrix that a head belongs to.</summary>
public enum QkvSection
{
    /// <summary>q: <c>n_head</c> heads.</summary>
    Query,

    /// <summary>k: <c>n_query_groups</c> heads.</summary>
    Key,

    /// <summary>v: <c>n_query_groups</c> heads.</summary>
    Value,
}

/// <summary><c>head_size</c> rows that always move together.</summary>
/// <param name="Section">Which of q, k, v.</param>
/// <param name="Head">The head's number within its section, from 0.</param>
public readonly record struct HeadBlock(QkvSection Section, int Head);

/// <summary>
/// Where the heads of q, k and v stand in a fused matrix, as data: the matrix is made of passes, and each pass goes
/// once over the query groups and lays down, for each group, the heads of its sections.
/// </summary>
/// <param name="Name">The layout's name in reports.</param>
/// <param name="Passes">The sections that each pass lays down per query group, in order.</param>
public sealed record RowOrder(string Name, IReadOnlyList<IReadOnlyList<QkvSection>> Passes)
{
    /// <summary><c>[q.. k v | q.. k v | ...]</c>: LitGPT before pull request #1013 (litgpt/model.py, CausalSelfAttention.forward before 0.5.4).</summary>
    public static RowOrder Interleaved { get; } = new("interleaved", [[QkvSection.Query, QkvSection.Key, QkvSection.Value]]);

    /// <summary><c>[q.. | k.. | v..]</c>: LitGPT since pull request #1013.</summary>
    public static RowOrder Sequential { get; } = new("sequential", [[QkvSection.Query], [QkvSection.Key], [QkvSection.Value]]);

    /// <summary>The heads in the order in which their rows stand, each <c>head_size</c> rows long.</summary>
    public IEnumerable<HeadBlock> Blocks(AttentionGeometry geometry)
    {
        foreach (var pass in Passes)
        {
            for (var group = 0; group < geometry.QueryGroupCount; group++)
            {
                foreach (var section in pass)
                {
                    var perGroup = section == QkvSection.Query ? geometry.QueriesPerGroup : 1;
                    for (var head = 0; head < perGroup; head++)
                    {
                        yield return new HeadBlock(section, (group * perGroup) + head);
                    }
                }
            }
        }
    }
}
