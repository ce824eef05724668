using QkvMigrate.Attention;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Changes right upgrades at random places; none may pass. The seeds are fixed, so that a failure can be repeated.</summary>
[Trait("Category", "Slow")]
public sealed class MutationTests
{
    private const int MutationsPerFixture = 150;
    private const string Synthetic = "synthetic";
    private const string Safetensors = "safetensors";
    private const string Before16 = "torch before 1.6";

    private static readonly Dictionary<string, AttentionGeometry> Geometries = new()
    {
        ["golden/llama-gqa"] = new(8, 2, 4),
        ["golden/pythia-mha"] = new(4, 4, 8),
        [Synthetic] = LegacyModel.Geometry,
    };

    /// <summary>Fixtures that are zips.</summary>
    public static TheoryData<string> Fixtures => [.. Geometries.Keys];

    /// <summary>Fixtures of every format.</summary>
    public static TheoryData<string> EveryFixture => [.. Geometries.Keys, Safetensors, Before16];

    [Theory]
    [MemberData(nameof(EveryFixture))]
    public void A_flipped_bit_anywhere_is_caught(string fixture)
    {
        using var pair = Make(fixture);
        var random = new Random(20231);
        for (var i = 0; i < MutationsPerFixture; i++)
        {
            var bytes = pair.Upgraded.ToArray();
            var at = random.Next(bytes.Length);
            bytes[at] ^= (byte)(1 << random.Next(8));
            Caught(pair, bytes, $"bit flipped at byte {at}");
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void A_flipped_bit_of_a_header_is_caught(string fixture)
    {
        using var pair = Make(fixture);
        var random = new Random(20232);
        var entries = ZipSurgery.Entries(pair.Upgraded);
        var data = entries.SelectMany(entry => Enumerable.Range(entry.Start, entry.Length)).ToHashSet();
        var headers = Enumerable.Range(0, pair.Upgraded.Length).Where(at => !data.Contains(at)).ToList();
        for (var i = 0; i < MutationsPerFixture; i++)
        {
            var bytes = pair.Upgraded.ToArray();
            var at = headers[random.Next(headers.Count)];
            bytes[at] ^= (byte)(1 << random.Next(8));
            Caught(pair, bytes, $"bit flipped at header byte {at}");
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void A_changed_byte_under_a_right_checksum_is_caught(string fixture)
    {
        using var pair = Make(fixture);
        var random = new Random(20233);
        var entries = ZipSurgery.Entries(pair.Upgraded).FindAll(entry => entry.Length > 0);
        for (var i = 0; i < MutationsPerFixture; i++)
        {
            // Every entry gets its turn, the pickle every second time.
            var entry = i % 2 == 0 ? entries.Single(candidate => candidate.Name.EndsWith("data.pkl", StringComparison.Ordinal)) : entries[random.Next(entries.Count)];
            var at = random.Next(entry.Length);
            var change = (byte)random.Next(1, 256);
            Caught(pair, ZipSurgery.Edit(pair.Upgraded, entry, bytes => bytes[at] ^= change), $"byte {at} of {entry.Name} changed by {change}");
        }
    }

    [Theory]
    [MemberData(nameof(EveryFixture))]
    public void Bytes_that_are_cut_off_put_in_or_moved_are_caught(string fixture)
    {
        using var pair = Make(fixture);
        var random = new Random(20234);
        for (var i = 0; i < MutationsPerFixture / 3; i++)
        {
            var at = random.Next(pair.Upgraded.Length - 1);
            Caught(pair, pair.Upgraded[..at], $"cut off at byte {at}");
            Caught(pair, [.. pair.Upgraded[..at], (byte)random.Next(256), .. pair.Upgraded[at..]], $"a byte put in at byte {at}");
            Caught(pair, [.. pair.Upgraded[..at], .. pair.Upgraded[(at + 1)..]], $"byte {at} taken out");
        }
    }

    private static VerifiedPair Make(string fixture)
    {
        var original = fixture switch
        {
            Synthetic => LegacyModel.Legacy.ToFile(),
            Safetensors => LegacyModel.Legacy.ToSafetensors(),
            Before16 => LegacyModel.Legacy.ToFileBefore16(),
            _ => File.ReadAllBytes(Repository.At("tests", fixture, "lit_model.pth")),
        };
        var pair = new VerifiedPair(original, Geometries.GetValueOrDefault(fixture, LegacyModel.Geometry));
        Assert.Empty(pair.Verify().Differences);
        return pair;
    }

    private static void Caught(VerifiedPair pair, byte[] mutated, string mutation)
    {
        var report = pair.Verify(mutated);
        Assert.False(report.IsVerified, mutation);
        Assert.NotEmpty(report.Differences);
    }
}
