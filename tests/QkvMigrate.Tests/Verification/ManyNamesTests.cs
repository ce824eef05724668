using System.Text;
using QkvMigrate.Attention;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>A pickle that shrinks by more than a zip's extra field can take up.</summary>
[Trait("Category", "Slow")]
public sealed class ManyNamesTests
{
    private const int Names = 70_000;
    private static readonly AttentionGeometry Geometry = new(4, 2, 4);

    [Fact]
    public void A_pickle_that_shrinks_by_more_than_padding_holds_is_upgraded_verified_and_brought_back()
    {
        var legacy = Legacy();
        using var pair = new VerifiedPair(legacy, Geometry);
        Assert.InRange(legacy.Length - pair.Upgraded.Length, Names - ushort.MaxValue - 64, Names - ushort.MaxValue + 64);
        Assert.Empty(pair.Verify().Differences);

        using var back = new VerifiedPair(pair.Upgraded, Geometry, direction: MigrationDirection.Downgrade);

        Assert.Empty(back.Verify().Differences);
        Assert.Equal(legacy, back.Upgraded);
    }

    /// <summary>One bias of 32 rows under as many names as there are layers; a byte goes from each.</summary>
    private static byte[] Legacy()
    {
        var pickle = new List<byte>([0x80, 2, (byte)'}', (byte)'(']);
        for (var layer = 0; layer < Names; layer++)
        {
            var key = Encoding.ASCII.GetBytes($"transformer.h.{layer}.attn.attn.bias");
            pickle.AddRange([(byte)'X', .. BitConverter.GetBytes(key.Length), .. key]);
            pickle.AddRange(Encoding.Latin1.GetBytes(layer > 0 ? "h\u0001" : "ctorch._utils\n_rebuild_tensor_v2\n((X\a\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\00X\u0003\0\0\0cpuK tQK\0K \u0085K\u0001\u0085\u0089ccollections\nOrderedDict\n)RtRq\u0001"));
        }

        pickle.AddRange("u."u8);
        byte[] bias = [.. Enumerable.Range(1, 32).SelectMany(value => BitConverter.GetBytes((float)value))];
        return TorchFile.Write([("archive/data.pkl", pickle.ToArray()), ("archive/data/0", bias), ("archive/version", "3\n"u8.ToArray())]);
    }
}
