using Xunit;

namespace QkvMigrate.Tests.Writing.InPlace;

/// <summary>A change in place that stops at any of its writes, whose recoveries stop as well, and whose unsynced writes are torn, ends at the old file or the new one.</summary>
public sealed class InterruptedInPlaceTests
{
    public static MatrixTheoryData<string, MigrationDirection> Cases =>
        new(InPlaceModel.Formats, [MigrationDirection.Upgrade, MigrationDirection.Downgrade]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Undisturbed_it_makes_the_file_that_a_copy_makes(string format, MigrationDirection direction)
    {
        using var file = new ChangedInPlace(format, direction);
        file.Reset();
        Assert.True(file.Change(int.MaxValue));
        Assert.Equal(file.New, File.ReadAllBytes(file.Pair.Path));
        Assert.Equal(["model.pth"], file.Names);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Cases))]
    public void Stopped_at_any_write_it_goes_on_to_the_new_file(string format, MigrationDirection direction) => StopEverywhere(format, direction, isUndo: false);

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Cases))]
    public void Stopped_at_any_write_it_goes_back_to_the_old_file(string format, MigrationDirection direction) => StopEverywhere(format, direction, isUndo: true);

    private static void StopEverywhere(string format, MigrationDirection direction, bool isUndo)
    {
        using var file = new ChangedInPlace(format, direction);
        var random = new Random(22);
        for (var writes = 0; ; writes++)
        {
            file.Reset();
            if (file.Change(writes))
            {
                Assert.InRange(writes, 10, int.MaxValue);
                return;
            }

            // Under its own name there is no half file.
            Assert.False(File.Exists(file.Pair.Path));
            do
            {
                file.Tear(random);
            }
            while (!file.Recover(random.Next(2) == 0 ? int.MaxValue : random.Next(writes + 2), isUndo));

            Assert.Equal(isUndo ? file.Old : file.New, File.ReadAllBytes(file.Pair.Path));
            Assert.Equal(["model.pth"], file.Names);
        }
    }
}
