namespace QkvMigrate.Configuration.Models;

/// <summary>
/// Attention to the last <paramref name="Size"/> positions only, the token's own among them, on some layers
/// (<c>sliding_window_size</c>; <c>sliding_window_layer_placing</c> from 2024-07 to 2025-04, then <c>sliding_window_indices</c>).
/// </summary>
/// <param name="Size">Positions that a token attends to.</param>
/// <param name="Layers">For each layer whether it has the window; the pattern repeats where it is shorter than the model.</param>
public sealed record SlidingWindow(int Size, IReadOnlyList<bool> Layers)
{
    /// <summary>The window's size on <paramref name="layer"/>, or null where that layer attends to all positions.</summary>
    public int? On(int layer) => Layers[layer % Layers.Count] ? Size : null;
}
