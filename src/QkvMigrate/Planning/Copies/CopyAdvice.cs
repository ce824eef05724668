namespace QkvMigrate.Planning.Copies;

/// <summary>What whoever uses the new file must know of copies.</summary>
internal static class CopyAdvice
{
    private const int PlacesInAdvice = 5;

    /// <summary>The advice.</summary>
    /// <param name="moves">All moves, of which some are of copies.</param>
    /// <param name="found">What was found of copies.</param>
    public static IEnumerable<Advice> Of(IReadOnlyList<TensorMove> moves, FoundCopies found)
    {
        if (found.Told is { Count: > 0 } told)
        {
            var more = told.Count > PlacesInAdvice ? $" and {told.Count - PlacesInAdvice} more" : "";
            yield return new Advice(
                "fused-size-left",
                $"{string.Join(", ", told.Take(PlacesInAdvice))}{more}: of the size of fused tensors, and nothing says whether "
                + "rows of theirs are in it; it stays as it is, and what belongs to single rows must be made anew");
        }

        if (found.Words is { Count: > 0 } words)
        {
            var labels = string.Join("', '", words.Take(PlacesInAdvice).Select(tensor => tensor.Label));
            yield return new Advice(
                "words-left",
                $"'{labels}'{(words.Count > PlacesInAdvice ? ", ..." : "")} has the shape of fused tensors and a word for a name: it stays as it is, "
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
