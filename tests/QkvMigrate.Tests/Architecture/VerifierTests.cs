using ArchUnitNET.Fluent.Syntax.Elements.Types;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using QkvMigrate.Checkpoints;
using Xunit;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace QkvMigrate.Tests.Architecture;

/// <summary>
/// The verifier must be able to catch what plans and writes new files, so nothing of that is in it: it opens files as
/// everything does, and works out for itself what must be in them.
/// </summary>
public sealed class VerifierTests
{
    private static readonly ArchUnitNET.Domain.Architecture Library = new ArchLoader().LoadAssembly(typeof(Checkpoint).Assembly).Build();

    private static readonly GivenTypesConjunctionWithDescription Verifier = Types().That().ResideInNamespaceMatching(@"^QkvMigrate\.Verification$").As("the verifier");

    private static readonly GivenTypesConjunctionWithDescription Executor = Types().That()
        .ResideInNamespaceMatching(@"^QkvMigrate\.(Reordering|Checkpoints\.Rewriting|Migration\.(Copies|Lora))$")

        // What temporary files are called everybody must know who looks into directories.
        .Or().HaveFullNameMatching(@"^QkvMigrate\.Writing\.(?!TemporaryName$)")
        .Or().HaveFullNameMatching(@"^QkvMigrate\.Attention\.(RowPermutation|QkvLayout)$")
        .Or().HaveFullNameMatching(@"^QkvMigrate\.Migration\.(AttentionScan|FusedNames|MigrationPlanner|MigrationPlan|OptimizerMoves|SharedStorages|StridedBlocks|CheckpointWriting|Directory(Migration|Plan|Targets|Writing))$")
        .Or().HaveFullNameMatching(@"^QkvMigrate\.Pickling\.Pickle(Copy|Edit|Editor|Likeness|Removal|Rename)$")
        .Or().HaveFullNameMatching(@"^QkvMigrate\.Checkpoints\.(TorchPickles\.Torch(NumberEdits|Splits|StorageCheck)|TorchZip\.Zip(Rewriter|Padding|Content|Changes)|JsonTexts\.JsonKeyEditor)$")
        .As("what plans and writes new files");

    [Fact]
    public void Nothing_of_what_plans_and_writes_is_in_the_verifier() =>
        Types().That().Are(Verifier).Should().NotDependOnAny(Executor).Check(Library);

    /// <summary>The rule above says something: each of its sides has types, and the planner breaks it.</summary>
    [Fact]
    public void What_migrates_does_depend_on_it()
    {
        Assert.Contains(Verifier.GetObjects(Library), type => type.Name == "CheckpointVerifier");
        Assert.Equal(
            ["BlockReorder", "FileLayoutWriter", "RowPermutation", "StreamReorderEngine", "StridedBlocks", "ZipRewriter"],
            Executor.GetObjects(Library).Select(type => type.Name).Intersect(["BlockReorder", "FileLayoutWriter", "RowPermutation", "StreamReorderEngine", "StridedBlocks", "ZipRewriter"]).Order());
        Assert.False(Types().That().ResideInNamespaceMatching(@"^QkvMigrate\.Migration$").Should().NotDependOnAny(Executor).HasNoViolations(Library));
    }
}
