namespace QkvMigrate.Configuration.Models;

/// <summary>Reads the sliding window from the fields of either age.</summary>
internal static class SlidingWindowReader
{
    /// <summary>
    /// <c>sliding_window_layer_placing</c> as it is written by hand ("all", "interleaved") and as LitGPT saved it at first: its
    /// <c>Config</c> had put the stride in its place, 1 or 2; later versions keep the word and the stride beside it
    /// (litgpt/config.py from 2024-07 to 2025-04, <c>__post_init__</c>).
    /// </summary>
    private static readonly Dictionary<string, int> Strides = new() { ["all"] = 1, ["interleaved"] = 2, ["1"] = 1, ["2"] = 2 };

    /// <summary>The window, or null where there is none; without a word on where it is, it is on all layers.</summary>
    /// <exception cref="MigrationException">The fields do not say which layers have the window.</exception>
    public static SlidingWindow? Read(FieldReader fields, int layers)
    {
        var size = fields.Count("sliding_window_size");
        var placing = fields.Take("sliding_window_layer_placing");
        var indices = fields.Layers("sliding_window_indices", layers);
        if (size is not { } positions)
        {
            return null;
        }

        if (indices is null)
        {
            var stride = placing is null ? 1
                : placing.Text is { } text && Strides.TryGetValue(text, out var known) ? known
                : throw FieldReader.Wrong("sliding_window_layer_placing", placing, string.Join(" or ", Strides.Keys));
            return new SlidingWindow(positions, [.. Enumerable.Range(0, stride).Select(layer => layer == 0)]);
        }

        return new SlidingWindow(positions, indices);
    }
}
