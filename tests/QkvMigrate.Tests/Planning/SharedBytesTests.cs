using QkvMigrate.Checkpoints;
using QkvMigrate.Planning;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Planning;

/// <summary>Whether two views have a byte in common, by the planner's way.</summary>
public sealed class SharedBytesTests : OverlapSuite
{
    [Fact]
    public void Views_that_take_too_long_to_tell_apart_are_refused()
    {
        var bytes = new SharedBytes();
        var (one, other) = (RandomViews.Columns(0, 1, 10), RandomViews.Columns(1, 1, 10));
        var error = Assert.Throws<MigrationException>(Exhaust);
        Assert.Equal(
            (FailureKind.Unsupported, "tensor 'columns from 0 on'",
                "whether it shares bytes with tensor 'columns from 1 on' takes more than 67108864 steps to tell (strides (10, 1) and (10, 1)); save it as a tensor of its own (clone)"),
            (error.Kind, error.Where, error.Problem));

        void Exhaust()
        {
            for (var i = 0; i <= 1 << 26; i++)
            {
                bytes.Spend(one, other);
            }
        }
    }

    private protected override bool Overlap(TensorEntry one, TensorEntry other) => new SharedBytes().Any(one, other);
}
