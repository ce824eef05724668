using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Checkpoints.TorchPickles.TorchPickleTests;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>How far away from the root a tensor may stand.</summary>
public sealed class TorchPathTests
{
    private static readonly string Matrix = Tensor(Storage(Text("0"), 12), 0, [3, 4], [4, 1]);

    [Fact]
    public void A_thousand_containers_within_containers()
    {
        var label = Assert.Single(Read(Nested(999, Matrix)).Tensors).Label;
        Assert.Equal(string.Join('/', Enumerable.Repeat("0", 1000)), label);
        AssertRefused(Nested(1000, Matrix), "containers are nested more than 1000 deep");
        AssertRefused(Nested(1001, "]"), "containers are nested more than 1000 deep");
    }

    [Fact]
    public void Four_thousand_characters_of_keys()
    {
        Assert.Equal(4095, Assert.Single(Read(Dict((new string('k', 4093), List(Matrix)))).Tensors).Label.Length);
        AssertRefused(Dict((new string('k', 4094), List(Matrix))), "the keys that lead here have more than 4096 characters");
        AssertRefused(Dict((new string('k', 4096), Matrix)), "the keys that lead here have more than 4096 characters");

        // Where no tensor stands nobody has to name the way.
        Assert.Empty(Read(Dict((new string('k', 100_000), List("]")))).Tensors);
    }

    /// <summary>A value within so many tuples.</summary>
    private static string Nested(int depth, string value) => value + new string('\u0085', depth + 1);

    private static void AssertRefused(string root, string problem)
    {
        var refused = Assert.Throws<MigrationException>(() => Read(root));
        Assert.Equal(problem, refused.Problem);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }
}
