using QkvMigrate.Checkpoints;
using QkvMigrate.Testing;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>The verifier stands alone: what it runs of other folders is listed, type by type, and nothing that decides or writes is among it.</summary>
public sealed class VerifierAloneTests
{
    private static readonly IReadOnlyList<string> Reached = VerifierReach.Types(typeof(MigrationException).Assembly.Location);

    /// <summary>Who adds a line to the list says by it that the verifier may trust this type.</summary>
    [Fact]
    public void What_it_runs_of_other_folders_is_listed() =>
        ApprovedFile.Compare(Repository.At("tests", "QkvMigrate.Tests", "Architecture", "VerifierReach.txt"), string.Join('\n', Reached) + "\n");

    [Theory]
    [InlineData("QkvMigrate.FilePlans.")]
    [InlineData("QkvMigrate.Layouts.")]
    [InlineData("QkvMigrate.Planning.")]
    [InlineData("QkvMigrate.Writing.")]
    [InlineData("QkvMigrate.Running.")]
    [InlineData("QkvMigrate.Reordering.")]
    [InlineData("QkvMigrate.Exporting.")]
    [InlineData("QkvMigrate.Checkpoints.Rewriting.")]
    [InlineData("QkvMigrate.Checkpoints.JsonTexts.JsonKeyEditor")]
    [InlineData("QkvMigrate.Checkpoints.TorchZip.ZipRewriter")]
    [InlineData("QkvMigrate.Checkpoints.TorchZip.ZipHeaders")]
    [InlineData("QkvMigrate.Checkpoints.TorchZip.ZipPadding")]
    [InlineData("QkvMigrate.Checkpoints.TorchZip.UnreferencedEntries")]
    [InlineData("QkvMigrate.Checkpoints.TorchPickles.TorchNumberEdits")]
    [InlineData("QkvMigrate.Checkpoints.TorchPickles.TorchSplits")]
    [InlineData("QkvMigrate.Pickling.PickleRename")]
    [InlineData("QkvMigrate.Pickling.PickleCopy")]
    public void Nothing_that_decides_or_writes_runs_for_it(string start) =>
        Assert.DoesNotContain(Reached, type => type.StartsWith(start, StringComparison.Ordinal));

    /// <summary>
    /// A LoRA whose base is in the same file is taken out of it as the writer does, to have the base as a checkpoint. Which tensors must be
    /// left is known before, and held against what is left; that is the only edit.
    /// </summary>
    [Fact]
    public void One_edit_is_shared_with_the_writer() => Assert.Equal(
        ["QkvMigrate.Pickling.PickleEdit", "QkvMigrate.Pickling.PickleEditor", "QkvMigrate.Pickling.PickleRemoval"],
        Reached.Where(type => type.Contains("Edit", StringComparison.Ordinal) || type.EndsWith("Removal", StringComparison.Ordinal)));

    [Fact]
    public void The_search_sees_through_lambdas_overrides_and_iterators()
    {
        // Reached by a call, by a virtual method of another, and by an iterator.
        Assert.Contains("QkvMigrate.Pickling.PickleMachine", Reached);
        Assert.Contains("QkvMigrate.Checkpoints.TorchZip.TorchZipCheckpoint", Reached);
        Assert.Contains("QkvMigrate.Checkpoints.TorchPickles.TorchWalk", Reached);
        Assert.True(Reached.Count > 60, $"{Reached.Count}");
    }

    /// <summary>The readers collect values that are no tensors by a coarse filter of names; it must hide none that the verifier knows.</summary>
    [Fact]
    public void The_filter_of_the_readers_passes_each_name_of_the_verifiers_table()
    {
        string[] names = [.. VerifiedLayouts.All.Select(layout => layout.Module), "transformer.h.0.attn.attn", "transformer.h.0.attn.qkv"];

        Assert.All(names, name => Assert.True(AttentionKeys.Speaks(name), name), throwIfEmpty: true);
    }
}
