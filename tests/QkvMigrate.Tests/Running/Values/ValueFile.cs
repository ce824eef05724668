using System.Buffers.Binary;
using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Geometry;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Verification;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Running.Values;

/// <summary>A checkpoint of any values, in a folder of its own.</summary>
internal sealed class ValueFile : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("qkvmigrate-values-");

    public ValueFile(PickledValue root)
    {
        var storages = new Counter();
        var pickle = TorchCode.Pickle(root.Code(storages));
        Bytes = TorchFile.Write([
            ("archive/data.pkl", pickle),
            .. Enumerable.Range(0, storages.Count).Select(number => (string.Create(CultureInfo.InvariantCulture, $"archive/data/{number}"), Numbers(number))),
            ("archive/version", "3\n"u8.ToArray()),
        ]);
        File.WriteAllBytes(Original, Bytes);
    }

    /// <summary>16 rows.</summary>
    public static AttentionGeometry Geometry { get; } = new(4, 2, 2);

    public byte[] Bytes { get; }

    public string Original => Path.Combine(folder.FullName, "lit_model.pth");

    public string Upgraded => Path.Combine(folder.FullName, "upgraded.pth");

    public string Back => Path.Combine(folder.FullName, "back.pth");

    /// <summary>Migrates from one path to another.</summary>
    public static CheckpointReport Migrate(string from, string to, MigrationDirection direction = MigrationDirection.Upgrade)
    {
        var engine = new StreamReorderEngine();
        return Assert.Single(Migrator.Run(
            new MigrationRequest
            {
                Path = from,
                Output = to,
                Direction = direction,
                Geometry = new GeometryFlags(Geometry.HeadCount, Geometry.QueryGroupCount, Geometry.HeadSize),
                Engine = () => engine,
            },
            TestContext.Current.CancellationToken));
    }

    public CheckpointReport Upgrade() => Migrate(Original, Upgraded);

    public VerificationReport Verify() =>
        KnownGeometry.Verify(Original, Upgraded, Geometry, VerificationMode.Full, TestContext.Current.CancellationToken);

    public void Dispose() => folder.Delete(recursive: true);

    private static byte[] Numbers(int storage)
    {
        var bytes = new byte[Leaves.Rows * Leaves.Columns * sizeof(float)];
        for (var i = 0; i < bytes.Length / sizeof(float); i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), (storage * 1000) + i + 0.5f);
        }

        return bytes;
    }
}
