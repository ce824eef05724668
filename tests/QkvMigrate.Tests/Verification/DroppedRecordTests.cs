using QkvMigrate.Checkpoints;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Storages that nothing names are left out where that is asked for, and the verifier knows by itself which they are.</summary>
public sealed class DroppedRecordTests : IDisposable
{
    private static readonly string[] Kept = ["data.pkl", "data/1", "data/3", "data/4", "data/notes", ".data/serialization_id", "version"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-dropped-");

    /// <summary>Storages 0, 2 and 5 belong to nobody; what has no number, or is in another folder, is none.</summary>
    private static StateDict Model { get; } = new(
        [
            new("transformer.wte.weight", 1, [7, 5], [5, 1]),
            new("transformer.h.0.attn.attn.weight", 3, [32, 5], [5, 1]),
            new("transformer.h.0.attn.attn.bias", 4, [32], [1]),
        ],
        [11, 35, 13, 160, 32, 17]);

    private string Original => Path.Combine(folder.FullName, "original.pth");

    private string Upgraded => Path.Combine(folder.FullName, "upgraded.pth");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void They_are_counted_and_left_out_and_the_result_is_proven()
    {
        Write(Entries());
        using (var checkpoint = Checkpoint.Open(Original))
        {
            Assert.Equal(new UnreferencedRecords(3, (11 + 13 + 17) * sizeof(float)), checkpoint.Unreferenced);
        }

        var advice = Assert.Single(Upgrade(), advice => advice.Code.StartsWith("unreferenced-", StringComparison.Ordinal));
        var result = ZipSurgery.Entries(File.ReadAllBytes(Upgraded));

        Assert.Equal("unreferenced-dropped", advice.Code);
        Assert.Equal(Kept.Select(name => $"archive/{name}"), result.Select(entry => entry.Name));
        Assert.All(result, entry => Assert.Equal(0, entry.Start % 64), throwIfEmpty: true);
        var report = Verify(isWithout: true);
        Assert.Empty(report.Differences);
        Assert.Equal((3, report.Coverage.TotalBytes, Kept.Length), (report.Coverage.DroppedRecords, report.Coverage.ComparedBytes, report.Coverage.Checksums));
        Assert.StartsWith("zip directory", Assert.Single(Verify(isWithout: false).Differences).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_option_they_stay_and_the_way_back_is_byte_for_byte()
    {
        Write(Entries());
        VerifiedPair.Migrate(Original, Upgraded, LegacyModel.Geometry, MigrationDirection.Upgrade);
        Assert.True(Verify(isWithout: false).IsVerified);
        Assert.StartsWith("zip directory", Assert.Single(Verify(isWithout: true).Differences).ToString(), StringComparison.Ordinal);

        VerifiedPair.Migrate(Upgraded, Upgraded + ".back", LegacyModel.Geometry, MigrationDirection.Downgrade);
        Assert.Equal(File.ReadAllBytes(Original), File.ReadAllBytes(Upgraded + ".back"));
    }

    [Fact]
    public void A_result_that_is_wrong_is_caught()
    {
        Write(Entries());
        Upgrade();
        var right = Read(Upgraded);
        var dead = Entries().Single(entry => entry.Name.EndsWith("data/2", StringComparison.Ordinal));

        Caught([.. right[..2], dead, .. right[2..]], "zip directory");
        Caught([.. right, dead], "zip directory");
        Caught([.. right.Where(entry => !entry.Name.EndsWith("data/notes", StringComparison.Ordinal))], "zip directory");
        Caught([.. right.Where(entry => !entry.Name.EndsWith("version", StringComparison.Ordinal))], "zip directory");
        Caught([.. right.Where(entry => !entry.Name.EndsWith("data/4", StringComparison.Ordinal))], "storage 4");
        Caught([right[0], right[2], right[1], .. right[3..]], "zip directory");
        Caught([.. right[..1], (right[1].Name, Changed(right[1].Bytes)), .. right[2..]], "tensor 'transformer.wte.weight'");
        Caught([.. right[..4], (right[4].Name, Changed(right[4].Bytes)), .. right[5..]], "zip entry 'archive/data/notes'");
        Caught([.. right[..1], (dead.Name, right[1].Bytes), .. right[2..]], "storage 1");
        File.WriteAllBytes(Upgraded, TorchFile.Write(right));
        Assert.Empty(Verify(isWithout: true).Differences);
    }

    /// <summary>An object that is no tensor names storage 2: of what is in it nothing is known, but that it is needed.</summary>
    [Fact]
    public void A_storage_that_an_unknown_object_names_is_needed()
    {
        byte[] unknown = [.. "cmine\nThing\n(("u8, .. Text("storage"), .. "ctorch\nFloatStorage\n"u8, .. Text("2"), .. Text("cpu"), .. "K\rtQtR"u8];
        Write(WithPickle(pickle => [.. pickle[..^2], .. Text("obj"), .. unknown, .. "u."u8]));

        Upgrade();

        Assert.Contains("archive/data/2", Read(Upgraded).Select(entry => entry.Name));
        Assert.DoesNotContain("archive/data/0", Read(Upgraded).Select(entry => entry.Name));
        Assert.Equal(2, Verify(isWithout: true).Coverage.DroppedRecords);
    }

    public static TheoryData<bool> Places => [true, false];

    /// <summary>A pickle in a string or in an entry of its own that asks for a storage: which ones it means is not known.</summary>
    [Theory]
    [MemberData(nameof(Places))]
    public void Where_another_pickle_asks_for_storages_all_are_needed(bool inString)
    {
        byte[] other = [0x80, 2, .. Text("storage"), (byte)'Q', (byte)'.'];
        Write(inString
            ? WithPickle(pickle => [.. pickle[..^2], .. Text("nested"), (byte)'C', (byte)other.Length, .. other, .. "u."u8])
            : [.. Entries(), ("archive/other.pkl", other)]);

        Assert.DoesNotContain(Upgrade(), advice => advice.Code.StartsWith("unreferenced-", StringComparison.Ordinal));

        Assert.Equal(Read(Original).Select(entry => entry.Name), Read(Upgraded).Select(entry => entry.Name));
        Assert.Equal((true, 0), (Verify(isWithout: true).IsVerified, Verify(isWithout: true).Coverage.DroppedRecords));
    }

    [Fact]
    public void Formats_that_have_no_records_have_none_too_many()
    {
        foreach (var bytes in new[] { Model.ToSafetensors(), Model.ToFileBefore16() })
        {
            File.WriteAllBytes(Original, bytes);
            using (var checkpoint = Checkpoint.Open(Original))
            {
                Assert.Equal(UnreferencedRecords.None, checkpoint.Unreferenced);
            }

            Upgrade();
            Assert.Empty(Verify(isWithout: true).Differences);
        }
    }

    private static List<(string Name, byte[] Bytes)> Entries()
    {
        var entries = Read(Model.ToFile());
        entries.Insert(entries.Count - 1, ("archive/data/notes", "kept"u8.ToArray()));
        entries.Insert(entries.Count - 1, ("archive/.data/serialization_id", "0123"u8.ToArray()));
        return entries;
    }

    private static List<(string Name, byte[] Bytes)> WithPickle(Func<byte[], byte[]> change) =>
        [.. Entries().Select(entry => entry.Name == "archive/data.pkl" ? (entry.Name, change(entry.Bytes)) : entry)];

    private static byte[] Text(string text) => [(byte)'X', .. BitConverter.GetBytes(text.Length), .. System.Text.Encoding.ASCII.GetBytes(text)];

    private static byte[] Changed(byte[] bytes) => [(byte)(bytes[0] ^ 1), .. bytes[1..]];

    private static List<(string Name, byte[] Bytes)> Read(string path) => Read(File.ReadAllBytes(path));

    private static List<(string Name, byte[] Bytes)> Read(byte[] zip) =>
        ZipSurgery.Entries(zip).ConvertAll(entry => (entry.Name, zip[entry.Start..(entry.Start + entry.Length)]));

    private void Write(IEnumerable<(string Name, byte[] Bytes)> entries) => File.WriteAllBytes(Original, TorchFile.Write(entries));

    private void Caught(List<(string Name, byte[] Bytes)> entries, string place)
    {
        File.WriteAllBytes(Upgraded, TorchFile.Write(entries));
        var report = Verify(isWithout: true);
        Assert.False(report.IsVerified);
        Assert.Contains(report.Differences, difference => difference.ToString().Contains(place, StringComparison.Ordinal));
    }

    private VerificationReport Verify(bool isWithout) =>
        KnownGeometry.Verify(Original, Upgraded, LegacyModel.Geometry, VerificationMode.Full, TestContext.Current.CancellationToken, isWithout);

    private IReadOnlyList<Advice> Upgrade()
    {
        var engine = new StreamReorderEngine();
        var geometry = LegacyModel.Geometry;
        var report = Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = Original,
                Output = Upgraded,
                Direction = MigrationDirection.Upgrade,
                Geometry = new GeometryFlags(geometry.HeadCount, geometry.QueryGroupCount, geometry.HeadSize),
                DropUnreferenced = true,
                AllowUnsafePickle = true,
                Force = true,
                Engine = () => engine,
            },
            TestContext.Current.CancellationToken));
        Assert.Null(report.Error);
        return report.Advice;
    }
}
