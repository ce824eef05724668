using QkvMigrate.Checkpoints;

namespace QkvMigrate.Planning.Copies;

/// <summary>What whoever uses the new file must know of copies.</summary>
internal static class CopyAdvice
{
    private const int PlacesInAdvice = 5;

    /// <summary>The advice.</summary>
    /// <param name="moves">All moves, of which some are of copies.</param>
    /// <param name="left">What has the shape of a copy and stays.</param>
    public static IEnumerable<Advice> Of(IReadOnlyList<TensorMove> moves, IReadOnlyList<TensorEntry> left)
    {
        if (left.Count > 0)
        {
            var labels = string.Join("', '", left.Take(PlacesInAdvice).Select(tensor => tensor.Label));
            yield return new Advice(
                "words-left",
                $"'{labels}'{(left.Count > PlacesInAdvice ? ", ..." : "")} has the shape of fused tensors and a word for a name: it stays as it is, "
                + "and nothing says in which order its rows are");
        }

        var copies = moves.Where(move => move.Follower == FollowerKind.Copy).Select(move => move.Tensor).ToList();
        if (copies.Count > 0)
        {
            var places = copies.Select(tensor => UnnamedTensors.Around(tensor)[^1].Label).Distinct().ToList();
            var first = string.Join("', '", places.Take(PlacesInAdvice));
            yield return new Advice(
                "copies-moved",
                $"{copies.Count} tensors without a name are copies of fused ones, as order and shapes prove, and move with them: "
                + $"in '{first}'{(places.Count > PlacesInAdvice ? ", ..." : "")}");
        }
    }
}
