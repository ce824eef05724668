using QkvMigrate.Tests.Running.Values;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>The verifier reads the second file for itself: no name of the old age is left there on a tensor of any sort.</summary>
public sealed class LeftNamesTests
{
    private const string Legacy = "transformer.h.0.attn._orig_mod.attn.weight";
    private const string Current = "transformer.h.0.attn._orig_mod.qkv.weight";
    private const string OtherLegacy = "transformer.h.1.attn.attn.module.weight";
    private const string OtherCurrent = "transformer.h.1.attn.qkv.module.weight";

    public static TheoryData<string> Kinds { get; } = [.. Leaves.Unreadable.Select(leaf => leaf.Kind)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_an_upgrade_has_passed_over_is_named(string kind)
    {
        var report = Verify(Model((Legacy, Leaves.Strided), (OtherLegacy, Of(kind))), Model((Current, Leaves.Strided), (OtherLegacy, Of(kind))));
        Assert.Contains(report.Differences, difference => difference.Place == $"'model/{OtherLegacy}'" && difference.Problem.StartsWith("the file was upgraded, and ", StringComparison.Ordinal));
        Assert.Contains(report.Differences, difference => difference.Problem.Contains("names of both ages", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_a_downgrade_has_passed_over_is_named(string kind)
    {
        var report = Verify(Model((Current, Leaves.Strided), (OtherCurrent, Of(kind))), Model((Legacy, Leaves.Strided), (OtherCurrent, Of(kind))));
        Assert.Contains(report.Differences, difference => difference.Place == $"'model/{OtherCurrent}'" && difference.Problem.StartsWith("the file was downgraded, and ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_copy_of_what_cannot_be_upgraded_is_no_upgrade(string kind)
    {
        var model = Model((Legacy, Of(kind)), (OtherLegacy, Of(kind)));
        Assert.False(Verify(model, model).IsVerified);
    }

    [Fact]
    public void Names_of_both_ages_on_tensors_are_told()
    {
        var report = Verify(Model((Legacy, Leaves.Strided), (OtherLegacy, Leaves.Strided)), Model((Current, Leaves.Strided), (OtherLegacy, Leaves.Strided)));
        Assert.Contains(report.Differences, difference => difference.Place == $"'model/{OtherLegacy}'" && difference.Problem == $"a name of the old layout, and 'model/{Current}' of the new one: names of both ages stand in one file");
    }

    [Fact]
    public void Names_on_the_users_data_are_not_told()
    {
        using var file = new ValueFile(new Map(Map.Plain, [("rates", Model((Legacy, Leaves.Number))), ("model", Model((Legacy, Leaves.Strided)))]));
        Assert.Null(file.Upgrade().Error);
        Assert.Empty(file.Verify().Differences);
    }

    private static Map Model(params (string, PickledValue)[] entries) => new(Map.Plain, [("model", new Map(Map.Ordered, entries))]);

    private static Leaf Of(string kind) => Leaves.Unreadable.Single(leaf => leaf.Kind == kind);

    private static VerificationReport Verify(PickledValue original, PickledValue upgraded)
    {
        using var before = new ValueFile(original);
        using var after = new ValueFile(upgraded);
        return KnownGeometry.Verify(before.Original, after.Original, ValueFile.Geometry, VerificationMode.Full, TestContext.Current.CancellationToken);
    }
}
