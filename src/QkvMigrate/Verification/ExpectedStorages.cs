using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>
/// In which storage each tensor must have its numbers. Rows move where they are, unless another tensor looks at one of the
/// bytes and does not move alike, or an unknown object looks into the storage: then the moved tensor must have a storage of
/// its own, with all the tensors that are the same view and move alike, and no other. All others stay where they are.
/// </summary>
internal sealed class ExpectedStorages
{
    private readonly Dictionary<TensorEntry, OwnStorage> leaving = new(ReferenceEqualityComparer.Instance);
    private readonly List<MovedView> inPlace = [];
    private readonly List<OwnStorage> own = [];
    private readonly HashSet<string> gone;

    /// <summary>Works them out, and says which tensor is not in the storage of its own that it must have.</summary>
    /// <param name="original">The first file.</param>
    /// <param name="upgraded">The second file, which chooses the keys of new storages.</param>
    /// <param name="moved">The views whose rows move, each once.</param>
    /// <param name="moving">All tensors whose rows move, each with its view.</param>
    /// <param name="log">Takes what is wrong.</param>
    public ExpectedStorages(
        Checkpoint original,
        Checkpoint upgraded,
        IReadOnlyList<MovedView> moved,
        IReadOnlyDictionary<TensorEntry, MovedView> moving,
        DifferenceLog log)
    {
        var partners = Partners(original, moved, moving);
        inPlace.AddRange(moved.Where(view => !partners.ContainsKey(view)));
        if (partners.Count == 0)
        {
            gone = [];
            return;
        }

        var keys = new NewStorageKeys(original, upgraded, moving);
        foreach (var (view, partner) in partners)
        {
            if (keys.Of(view) is { } key)
            {
                own.Add(new OwnStorage(view, key));
            }
            else
            {
                log.Add(
                    $"tensor '{view.Tensor.Label}'",
                    $"it shares bytes with {partner}, which must not move with it: expected in a storage of its own, {keys.Found(view)}");
            }
        }

        var owners = own.ToDictionary<OwnStorage, MovedView>(storage => storage.View, ReferenceEqualityComparer.Instance);
        foreach (var (tensor, view) in moving)
        {
            if (owners.TryGetValue(view, out var storage))
            {
                leaving.Add(tensor, storage);
            }
        }

        var left = original.Tensors.Where(tensor => !leaving.ContainsKey(tensor)).Select(tensor => tensor.Storage).Concat(original.OpaqueStorages);
        gone = [.. own.Select(storage => storage.View.Tensor.Storage.Key).Except(left.Select(storage => storage.Key))];
    }

    /// <summary>The views whose rows move where they are.</summary>
    public IReadOnlyList<MovedView> InPlace => inPlace;

    /// <summary>The storages that the second file must have more than the first.</summary>
    public IReadOnlyList<OwnStorage> Own => own;

    /// <summary>The keys of the storages that it must not have: all that looked into them has left.</summary>
    public IReadOnlySet<string> Gone => gone;

    /// <summary>Whether a tensor leaves its storage.</summary>
    public bool Leaves(TensorEntry tensor) => leaving.ContainsKey(tensor);

    /// <summary>A tensor as the second file must describe it, or null where it stays in its storage.</summary>
    public TensorEntry? After(TensorEntry tensor) => leaving.GetValueOrDefault(tensor)?.After(tensor);

    /// <summary>The views that share bytes with what must not move with them, each with that.</summary>
    private static Dictionary<MovedView, string> Partners(
        Checkpoint original, IReadOnlyList<MovedView> moved, IReadOnlyDictionary<TensorEntry, MovedView> moving)
    {
        var overlap = new ViewOverlap();
        var partners = new Dictionary<MovedView, string>(ReferenceEqualityComparer.Instance);
        var movedIn = moved.ToLookup(view => view.Tensor.Storage.Key);
        var staying = original.Tensors
            .Where(tensor => !moving.ContainsKey(tensor) && movedIn.Contains(tensor.Storage.Key) && tensor.ElementCount > 0)
            .DistinctBy(tensor => (tensor.DType, ElementView.Of(tensor)))
            .ToLookup(tensor => tensor.Storage.Key);
        var opaque = original.OpaqueStorages.Select(storage => storage.Key).ToHashSet();
        foreach (var storage in movedIn)
        {
            if (opaque.Contains(storage.Key))
            {
                foreach (var view in storage)
                {
                    partners.Add(view, "an object that is not known");
                }

                continue;
            }

            var views = storage.OrderBy(view => view.Tensor.FileOffset).ToList();
            for (var i = 0; i < views.Count; i++)
            {
                foreach (var other in views.Skip(i + 1).TakeWhile(other => Reach(other.Tensor, views[i].Tensor)))
                {
                    Hold(views[i], other.Tensor, other);
                }
            }

            foreach (var (view, tensor) in Near(views, [.. staying[storage.Key].OrderBy(tensor => tensor.FileOffset)], overlap))
            {
                Hold(view, tensor, null);
            }
        }

        return partners;

        void Hold(MovedView view, TensorEntry tensor, MovedView? other)
        {
            overlap.Count(tensor);
            if ((!partners.ContainsKey(view) || (other is not null && !partners.ContainsKey(other))) && overlap.IsBetween(view.Tensor, tensor))
            {
                partners.TryAdd(view, $"tensor '{tensor.Label}'");
                if (other is not null)
                {
                    partners.TryAdd(other, $"tensor '{view.Tensor.Label}'");
                }
            }
        }
    }

    /// <summary>The pairs of a view and a tensor that stays whose extents meet; both are in the order of their first bytes.</summary>
    private static IEnumerable<(MovedView View, TensorEntry Tensor)> Near(List<MovedView> views, List<TensorEntry> tensors, ViewOverlap overlap)
    {
        var open = new List<TensorEntry>();
        var next = 0;
        foreach (var view in views)
        {
            for (; next < tensors.Count && tensors[next].FileOffset < view.Tensor.FileOffset + view.Tensor.Extent; next++)
            {
                open.Add(tensors[next]);
            }

            open.RemoveAll(tensor => tensor.FileOffset + tensor.Extent <= view.Tensor.FileOffset);
            foreach (var tensor in open)
            {
                overlap.Count(tensor);
                if (Reach(tensor, view.Tensor))
                {
                    yield return (view, tensor);
                }
            }
        }
    }

    /// <summary>Whether <paramref name="tensor"/> starts before <paramref name="other"/> ends.</summary>
    private static bool Reach(TensorEntry tensor, TensorEntry other) => tensor.FileOffset < other.FileOffset + other.Extent;
}
