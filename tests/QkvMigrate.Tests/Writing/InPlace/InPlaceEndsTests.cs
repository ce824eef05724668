using System.Security.Cryptography;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Running.InPlace;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Tests.Running.Originals;
using QkvMigrate.Writing.InPlace;
using Xunit;

namespace QkvMigrate.Tests.Writing.InPlace;

/// <summary>What cannot be changed in its place is refused before a byte is changed, what does not pass is taken back, and no journal is trusted.</summary>
public sealed class InPlaceEndsTests
{
    [Fact]
    public void A_new_file_that_does_not_pass_its_verification_becomes_the_old_one()
    {
        using var file = new ChangedInPlace("zip", MigrationDirection.Upgrade);
        file.Reset();
        var error = Assert.Throws<MigrationException>(() => file.Prove(LegacyModel.OtherGeometry));
        Assert.Equal(FailureKind.Verification, error.Kind);
        Assert.Contains("the old one was put back", error.Problem, StringComparison.Ordinal);
        Assert.Equal(file.Old, File.ReadAllBytes(file.Pair.Path));
        Assert.Equal(["model.pth"], file.Names);

        file.Prove(LegacyModel.Geometry);
        Assert.Equal(file.New, File.ReadAllBytes(file.Pair.Path));
    }

    [Theory]
    [InlineData("before 1.6")]
    [InlineData("zip")]
    public void A_file_whose_tensors_would_go_to_other_places_is_refused(string format)
    {
        using var folder = new MigratedFolder();
        var path = folder.Write(OriginalFileTests.Bytes(format), "model.pth");
        var request = new MigrationRequest
        {
            Path = path,
            Direction = MigrationDirection.Upgrade,
            Geometry = MigratedFolder.Geometry,
            InPlace = true,
            Journal = true,
            Engine = () => new StreamReorderEngine(),
        };
        foreach (var dryRun in new[] { true, false })
        {
            var error = Assert.Single(Migrator.Run(request with { DryRun = dryRun }, TestContext.Current.CancellationToken)).Error;
            Assert.Equal(FailureKind.Unsupported, error?.Kind);
            Assert.EndsWith("would go to another place; --in-place without it, or -o, writes a copy", error?.Problem, StringComparison.Ordinal);
        }

        using var planned = Assert.IsType<PlannedCheckpoint>(new CheckpointPlanning(request).Plan(path, []));
        Assert.Throws<MigrationException>(() => InPlaceWriting.Check(planned));
        Assert.Equal(OriginalFileTests.Bytes(format), File.ReadAllBytes(path));
    }

    /// <summary>Whoever writes a journal can give it a checksum, too.</summary>
    [Fact]
    public void A_header_of_any_numbers_is_read_or_refused()
    {
        using var file = new ChangedInPlace("zip", MigrationDirection.Upgrade);
        var header = file.Header();
        var random = new Random(22);
        var refused = 0;
        for (var i = 0; i < 4000; i++)
        {
            byte[] changed = [.. header];
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                // What stands around the tensors is most of it, and stands behind the numbers.
                var at = random.Next(40, random.Next(2) == 0 ? changed.Length - 40 : 600);
                var value = (ReadOnlySpan<byte>)(random.Next(3) switch { 0 => BitConverter.GetBytes(long.MaxValue), 1 => BitConverter.GetBytes(-1L), _ => [(byte)random.Next(256)] });
                value[..Math.Min(value.Length, changed.Length - 32 - at)].CopyTo(changed.AsSpan(at));
            }

            SHA256.HashData(changed.AsSpan(0, changed.Length - SHA256.HashSizeInBytes), changed.AsSpan(changed.Length - SHA256.HashSizeInBytes));
            try
            {
                JournalText.Read(changed);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 4000);
    }
}
