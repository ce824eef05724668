using QkvMigrate.Testing.Checkpoints;
using Xunit;

namespace QkvMigrate.Tests.Verification.Storages;

/// <summary>Changes of an upgrade in which no number changes: what shares a storage, what is called how, which flags are set. Each is named.</summary>
public sealed class SharingMutationTests
{
    /// <summary>Of the model's two ties, one moves and one stays.</summary>
    public static TheoryData<bool, string> Ties => new()
    {
        { false, "transformer.h.4.attn.attn.weight" },
        { false, "transformer.wte.weight" },
        { true, "transformer.h.4.attn.attn.weight" },
        { true, "transformer.wte.weight" },
    };

    public static TheoryData<bool> Formats => [false, true];

    [Theory]
    [MemberData(nameof(Ties))]
    public void A_tie_that_was_broken_or_made_is_named(bool isBefore16, string key)
    {
        var tied = SharedModel.WithProbe;
        var storage = tied.Tensors.Single(tensor => tensor.Key == key).Storage;
        var broken = tied with
        {
            Tensors = [.. tied.Tensors.Select(tensor => tensor.Key == key ? tensor with { Storage = tied.StorageSizes.Count } : tensor)],
            StorageSizes = [.. tied.StorageSizes, tied.StorageSizes[storage]],
            Contents = [.. Enumerable.Range(0, tied.StorageSizes.Count), storage],
        };
        using var one = Upgrade(tied, isBefore16);
        using var other = Upgrade(broken, isBefore16);
        Assert.Equal(SharedModel.Load(one.UpgradedPath), SharedModel.Load(other.UpgradedPath));
        Named(one, other.Upgraded, $"{key} in a storage of its own");
        Named(other, one.Upgraded, $"{key} tied");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Tensors_that_changed_places_in_their_dict_are_named(bool isBefore16)
    {
        var model = SharedModel.WithProbe;
        using var pair = Upgrade(model, isBefore16);
        for (var i = 1; i < model.Tensors.Count; i++)
        {
            var tensors = model.Tensors.ToList();
            (tensors[i - 1], tensors[i]) = (tensors[i], tensors[i - 1]);
            using var other = Upgrade(model with { Tensors = tensors }, isBefore16);
            Named(pair, other.Upgraded, $"{tensors[i - 1].Key} before {tensors[i].Key}");
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_flag_that_was_set_or_lost_is_named(bool isBefore16)
    {
        using var pair = Upgrade(SharedModel.WithProbe, isBefore16);
        for (var i = 0; i < SharedModel.WithProbe.Tensors.Count; i++)
        {
            using var other = Upgrade(SharedModel.WithProbe with { RequiresGradient = i }, isBefore16);
            Named(pair, other.Upgraded, $"{SharedModel.WithProbe.Tensors[i].Key} with a gradient");
            Named(other, pair.Upgraded, $"{SharedModel.WithProbe.Tensors[i].Key} without a gradient");
        }
    }

    private static VerifiedPair Upgrade(StateDict model, bool isBefore16)
    {
        var pair = new VerifiedPair(isBefore16 ? model.ToFileBefore16() : model.ToFile(), SharedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        return pair;
    }

    private static void Named(VerifiedPair pair, byte[] upgraded, string change)
    {
        var report = pair.Verify(upgraded);
        Assert.False(report.IsVerified, change);
        Assert.NotEmpty(report.Differences);
    }
}
