using QkvMigrate.Attention;

namespace QkvMigrate.Verification;

/// <summary>
/// The verifier's own table of layouts, and of the changes from one to another. It is written from LitGPT's source and
/// shares nothing with the table that migrations are planned by, so that a mistake in either one shows.
/// </summary>
internal static class VerifiedLayouts
{
    /// <summary>
    /// LitGPT's before pull request #1013 (litgpt/model.py, <c>CausalSelfAttention.attn</c>). Group g starts at head
    /// g·(q_per_kv + 2) with its heads of q; one of k and one of v follow.
    /// </summary>
    public static VerifiedLayout Interleaved { get; } = new()
    {
        Age = "old",
        Module = "attn",
        HeadAt = (place, geometry) =>
        {
            long queries = geometry.QueriesPerGroup;
            var (group, slot) = Math.DivRem(place, queries + 2);
            return slot < queries ? new FusedHead(QkvSection.Query, (group * queries) + slot)
                : slot == queries ? new FusedHead(QkvSection.Key, group)
                : new FusedHead(QkvSection.Value, group);
        },
        PlaceOf = (head, geometry) =>
        {
            long queries = geometry.QueriesPerGroup;
            var slot = head.Section switch
            {
                QkvSection.Query => head.Head % queries,
                QkvSection.Key => queries,
                _ => queries + 1,
            };
            return (head.QueryGroup(geometry) * (queries + 2)) + slot;
        },
    };

    /// <summary>LitGPT's since then (litgpt/model.py, <c>CausalSelfAttention.qkv</c>): all heads of q, all of k, all of v.</summary>
    public static VerifiedLayout Sequential { get; } = new()
    {
        Age = "new",
        Module = "qkv",
        HeadAt = (place, geometry) =>
        {
            long queries = geometry.HeadCount;
            long keys = geometry.QueryGroupCount;
            return place < queries ? new FusedHead(QkvSection.Query, place)
                : place < queries + keys ? new FusedHead(QkvSection.Key, place - queries)
                : new FusedHead(QkvSection.Value, place - queries - keys);
        },
        PlaceOf = (head, geometry) => head.Head + head.Section switch
        {
            QkvSection.Query => 0L,
            QkvSection.Key => geometry.HeadCount,
            _ => (long)geometry.HeadCount + geometry.QueryGroupCount,
        },
    };

    /// <summary>All layouts, the oldest first. The last is today's.</summary>
    public static IReadOnlyList<VerifiedLayout> All { get; } = [Interleaved, Sequential];

    /// <summary>What <c>upgrade</c> does.</summary>
    public static VerifiedChange Upgrade { get; } = new() { From = Interleaved, To = Sequential, PastTense = "upgraded", IsMandatory = true, LeavesWords = false };

    /// <summary>What <c>downgrade</c> does.</summary>
    public static VerifiedChange Downgrade { get; } = new() { From = Sequential, To = Interleaved, PastTense = "downgraded", IsMandatory = false, LeavesWords = true };

    /// <summary>All changes.</summary>
    public static IReadOnlyList<VerifiedChange> Changes { get; } = [Upgrade, Downgrade];
}
