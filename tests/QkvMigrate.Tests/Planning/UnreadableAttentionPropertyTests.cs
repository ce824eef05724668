using System.IO.Compression;
using CsCheck;
using QkvMigrate.Pickling;
using QkvMigrate.Tests.Running.Values;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>
/// Random nestings of dicts, lists and objects with values of every kind under fused and other names: what an upgrade
/// takes leaves no old name on anything like a tensor, and what holds such a thing is refused.
/// </summary>
public sealed class UnreadableAttentionPropertyTests
{
    private static readonly string[] Wrappers = ["_orig_mod", "_forward_module", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

    private static readonly string[] Legacy =
    [
        "transformer.h.0.attn.attn.weight",
        "transformer.h.1.attn._orig_mod.attn.weight",
        "module.transformer.h.2.attn.attn._checkpoint_wrapped_module.weight",
        "transformer.h.3.attn._fsdp_wrapped_module.attn.module.weight",
    ];

    private static readonly string[] Current = ["transformer.h.0.attn.qkv.weight", "transformer.h.1.attn._forward_module.qkv.weight"];

    private static readonly string[] Others = ["lm_head.weight", "model", "step", "attn", "transformer.h.0.attn.proj.bias"];

    private static readonly Gen<string> Key = Gen.Frequency((6, One(Legacy)), (1, One(Current)), (5, One(Others)));

    private static readonly Gen<PickledValue> Leaf = Gen.Frequency(
        (5, One<PickledValue>([.. Leaves.Movable])),
        (3, One<PickledValue>([.. Leaves.Data])),
        (2, One<PickledValue>([.. Leaves.Unreadable])));

    private static readonly Gen<Map> Roots =
        from entries in Gen.Select(Key, Gen.Recursive<PickledValue>((depth, inner) => depth > 2
            ? Leaf
            : Gen.Frequency(
                (5, Leaf),
                (1, Gen.Select(Gen.Bool, inner.List[1, 3], (isTuple, items) => (PickledValue)new Row(isTuple, items))),
                (3, Maps(inner, Key))))).Array[1, 4]
        select new Map(Map.Plain, [.. entries.DistinctBy(entry => entry.Item1)]);

    /// <summary>A model whose every fused name bears a tensor, and the user's data beside it, under the same names.</summary>
    private static readonly Gen<Map> Healthy =
        from model in Gen.Select(Gen.Frequency((2, One(Legacy)), (1, One(Others))), One<PickledValue>([.. Leaves.Movable])).Array[1, 6]
        from data in Maps(One<PickledValue>([.. Leaves.Data]), Key)
        from form in One(Map.Plain, Map.Ordered, Map.Instance)
        select new Map(Map.Plain, [("data", data), ("model", new Map(form, [.. model.DistinctBy(entry => entry.Item1)]))]);

    private static Gen<PickledValue> Maps(Gen<PickledValue> inner, Gen<string> key) =>
        Gen.Select(One(Map.Plain, Map.Ordered, Map.Instance), Gen.Select(key, inner).Array[1, 4], (form, entries) =>
            (PickledValue)new Map(form, [.. entries.DistinctBy(entry => entry.Item1)]));

    [Fact]
    public void What_is_upgraded_leaves_no_old_name_on_a_tensor_of_any_sort() => Roots.Sample(root =>
    {
        using var file = new ValueFile(root);
        var report = file.Upgrade();
        Assert.Equal(file.Bytes, File.ReadAllBytes(file.Original));
        if (report.Error is null)
        {
            Assert.False(MustBeRefused(root), $"{root} was taken");
            var result = File.Exists(file.Upgraded) ? file.Upgraded : file.Original;
            Assert.Empty(OldNamesOnTensors(result));
            if (result == file.Upgraded)
            {
                var verified = file.Verify();
                Assert.True(verified.IsVerified, string.Join("; ", verified.Differences));
            }
        }
        else
        {
            Assert.False(File.Exists(file.Upgraded));
        }
    }, iter: 1000);

    [Fact]
    public void A_model_of_tensors_is_upgraded_whatever_data_bears_its_names() => Healthy.Sample(root =>
    {
        using var file = new ValueFile(root);
        var report = file.Upgrade();
        Assert.Null(report.Error);
        if (File.Exists(file.Upgraded))
        {
            Assert.Empty(OldNamesOnTensors(file.Upgraded));
            Assert.True(file.Verify().IsVerified);
            Assert.Null(ValueFile.Migrate(file.Upgraded, file.Back, MigrationDirection.Downgrade).Error);
            Assert.Equal(file.Bytes, File.ReadAllBytes(file.Back));
        }
    }, iter: 500);

    private static bool MustBeRefused(PickledValue root)
    {
        var maps = root.All().OfType<Map>().ToList();
        return (maps.Any(map => map.Entries.Any(entry => Legacy.Contains(entry.Key) && entry.Value is Leaf { Likeness: Likeness.Movable }))
                && maps.Any(map => map.Entries.Any(entry => Current.Contains(entry.Key) && entry.Value is Leaf { Likeness: Likeness.Movable })))
            || maps.Any(map => IsHalfAModel(map));
    }

    private static bool IsHalfAModel(Map map)
    {
        var fused = map.Entries.Where(entry => Legacy.Contains(entry.Key) || Current.Contains(entry.Key)).Select(entry => entry.Value).ToList();
        Func<PickledValue, bool> isMovable = fused.Exists(IsTensor) ? IsTensor : IsListOfTensors;
        var moving = fused.Count(isMovable);
        return fused.Exists(value => !isMovable(value) && value.HoldsTensors) || (moving > 0 && moving < fused.Count);
    }

    private static bool IsTensor(PickledValue value) => value is Leaf { Likeness: Likeness.Movable };

    /// <summary>Some tensors, and nothing else that is like one.</summary>
    private static bool IsListOfTensors(PickledValue value) =>
        value is Row { Items: var items } && items.Any(IsTensor) && items.All(item => IsTensor(item) || !item.HoldsTensors);

    /// <summary>The old names in a file under which the pickle makes anything but plain data.</summary>
    private static List<string> OldNamesOnTensors(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        using var stream = zip.GetEntry("archive/data.pkl")!.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var found = new List<string>();
        Look(PickleMachine.Run(bytes.ToArray()).Root.Node);
        return found;

        void Look(PickleNode node)
        {
            foreach (var entry in (node as PickleMutable)?.Entries ?? [])
            {
                if (entry.Key.Node is PickleString { Text: var key } && IsOldName(key) && !IsPlain(entry.Value.Node))
                {
                    found.Add(key);
                }
            }

            foreach (var part in Parts(node))
            {
                Look(part);
            }
        }
    }

    private static bool IsPlain(PickleNode node) => node switch
    {
        PickleObject { CallableName: "torch.Size" or "numpy.core.multiarray.scalar" } => true,
        PickleObject { CallableName: not ("collections.OrderedDict" or "users.code.Thing") } or PicklePersistent or PickleBytes => false,
        _ => Parts(node).All(IsPlain),
    };

    private static IEnumerable<PickleNode> Parts(PickleNode node) => node switch
    {
        PickleTuple tuple => tuple.Items.Select(item => item.Node),
        PickleMutable mutable => [.. mutable.Items.Select(item => item.Node), .. mutable.Entries.Select(entry => entry.Value.Node), .. mutable.State is { } state ? [state.Node] : Array.Empty<PickleNode>()],
        _ => [],
    };

    private static bool IsOldName(string key)
    {
        var parts = key.Split('.').Where(part => !Wrappers.Contains(part)).ToList();
        return parts.Zip(parts.Skip(1)).Contains(("attn", "attn"));
    }

    private static Gen<T> One<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
