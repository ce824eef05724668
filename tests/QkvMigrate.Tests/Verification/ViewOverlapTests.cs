using QkvMigrate.Checkpoints;
using QkvMigrate.Tests.Support;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Whether two views have a byte in common, by the verifier's own way.</summary>
public sealed class ViewOverlapTests : OverlapSuite
{
    [Fact]
    public void Views_that_take_too_long_to_tell_apart_are_not_verified()
    {
        var overlap = new ViewOverlap();
        var view = RandomViews.Columns(0, 1, 10);
        var error = Assert.Throws<MigrationException>(Exhaust);
        Assert.Equal(
            (FailureKind.Unsupported, "tensor 'columns from 0 on'", "with what it shares bytes takes more than 67108864 steps to tell, so it is not verified"),
            (error.Kind, error.Where, error.Problem));

        void Exhaust()
        {
            for (var i = 0; i <= 1 << 26; i++)
            {
                overlap.Count(view);
            }
        }
    }

    private protected override bool Overlap(TensorEntry one, TensorEntry other) => new ViewOverlap().IsBetween(one, other);
}
