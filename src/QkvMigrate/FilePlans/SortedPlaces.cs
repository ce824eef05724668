namespace QkvMigrate.FilePlans;

/// <summary>Places in rising order, such as the starts of ranges.</summary>
internal static class SortedPlaces
{
    /// <summary>The number of the last place that is not behind <paramref name="position"/>; −1 where all are.</summary>
    public static int LastUpTo<T>(ReadOnlySpan<T> places, T position)
        where T : IComparable<T>
    {
        var found = places.BinarySearch(position);
        return found >= 0 ? found : ~found - 1;
    }
}
