using QkvMigrate.Layouts;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Running;
using QkvMigrate.Running.Batches;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

public sealed class ResultOptionsTests
{
    private static readonly ResultOptions Quick = new(Conversion.Upgrade, null, null, null, null, null, LoraTreatment.Refuse, false, null, false, false, VerificationMode.Quick);

    /// <summary>What a request asks for either decides the result, and is in the options, or does not: whoever adds to it must say which.</summary>
    [Fact]
    public void Every_part_of_a_request_is_known_to_decide_the_result_or_not_to()
    {
        string[] deciding = ["Direction", "Geometry", "Lora", "DropOptimizer", "DropUnreferenced", "Verification", "Export"];
        string[] indifferent =
        [
            "Path", "Output", "InPlace", "Journal", "BackupSuffix", "DryRun", "Force", "AllowUnsafePickle", "StrictEvidence", "OptimizerOrder", "Engine", "LowRankUpdater", "Progress",
        ];

        Assert.Equal(deciding.Concat(indifferent).Order(), typeof(MigrationRequest).GetProperties().Select(property => property.Name).Order());
    }

    [Fact]
    public void What_differs_has_to_be_made_again()
    {
        Assert.True(Quick.Satisfies(Quick));
        Assert.False(Quick.Satisfies(Quick with { Conversion = Conversion.Downgrade }));
        Assert.False(Quick.Satisfies(Quick with { HeadCount = 8 }));
        Assert.False(Quick.Satisfies(Quick with { QueryGroupCount = 8 }));
        Assert.False(Quick.Satisfies(Quick with { HeadSize = 8 }));
        Assert.False(Quick.Satisfies(Quick with { Model = "pythia-1b" }));
        Assert.False(Quick.Satisfies(Quick with { Configuration = "00" }));
        Assert.False(Quick.Satisfies(Quick with { Lora = LoraTreatment.Expand }));
        Assert.False(Quick.Satisfies(Quick with { IsLoraBefore900 = true }));
        Assert.False(Quick.Satisfies(Quick with { LoraAlpha = 32 }));
        Assert.False(Quick.Satisfies(Quick with { DropOptimizer = true }));
        Assert.False(Quick.Satisfies(Quick with { DropUnreferenced = true }));
        Assert.False(Quick.Satisfies(Quick with { MaximumShardBytes = 5_000_000_000 }));
        Assert.False(Quick.Satisfies(Quick with { DType = "float16" }));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(null, VerificationMode.Quick, false)]
    [InlineData(VerificationMode.Quick, null, true)]
    [InlineData(VerificationMode.Quick, VerificationMode.Full, false)]
    [InlineData(VerificationMode.Full, VerificationMode.Quick, true)]
    public void A_result_that_was_proven_less_has_to_be_made_again(VerificationMode? done, VerificationMode? wanted, bool isEnough) =>
        Assert.Equal(isEnough, (Quick with { Verification = done }).Satisfies(Quick with { Verification = wanted }));
}
