using System.Text;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Bytes of a zip that no reader looks at. An upgrade with some that its original has not, or without some that it has, is none.</summary>
public sealed class HiddenByteTests : IDisposable
{
    private const ushort Padding = 0x4246;
    private const ushort Zip64 = 1;
    private const ushort Unknown = 0x7777;

    private static readonly byte[] Payload = [.. Enumerable.Range(0, 30_000).Select(number => (byte)(number * 7))];

    private readonly VerifiedPair pair = new(LegacyModel.Legacy.ToFile(), LegacyModel.Geometry);

    /// <summary>Ways to hide bytes in the headers of an entry.</summary>
    public static TheoryData<string> Hidings =>
    [
        "central field", "central padding", "central zip64", "central zip64 that is true", "central comment", "two central paddings",
        "local field", "local zip64", "local zip64 that is true", "second padding before", "field before the padding of one byte",
        "flags of both", "descriptor",
    ];

    /// <summary>Those that mean nothing: a zip64 field is the writer's business.</summary>
    public static TheoryData<string> Meaningless => [.. Hidings.Select(row => row.Data).Where(hiding => !hiding.Contains("zip64", StringComparison.Ordinal))];

    public void Dispose() => pair.Dispose();

    [Fact]
    public void The_same_zip_laid_down_once_more_is_the_same() =>
        Assert.Equal(LegacyModel.Legacy.ToFile(), ZipRelay.Lay(LegacyModel.Legacy.ToFile(), part => part));

    [Theory]
    [MemberData(nameof(Hidings))]
    public void Bytes_in_a_header_are_named(string hiding)
    {
        foreach (var name in ZipSurgery.Entries(pair.Upgraded).Select(entry => entry.Name))
        {
            var report = pair.Verify(ZipRelay.Lay(pair.Upgraded, part => part.Name == name ? Hide(part, hiding) : part));

            Assert.False(report.IsVerified, $"{hiding} of {name}");
            Assert.Contains(report.Differences, difference => difference.Place.StartsWith($"zip entry '{name}'", StringComparison.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(Meaningless))]
    public void Bytes_in_a_header_of_the_original_stay(string hiding)
    {
        using var hidden = new VerifiedPair(ZipRelay.Lay(LegacyModel.Legacy.ToFile(), part => Hide(part, hiding)), LegacyModel.Geometry);

        Assert.Empty(hidden.Verify().Differences);
        Assert.False(hidden.Verify(pair.Upgraded).IsVerified);
    }

    [Theory]
    [InlineData("archive comment")]
    [InlineData("zip64 records")]
    [InlineData("zip64 records with an extension")]
    public void Bytes_in_the_records_at_the_end_are_named(string hiding)
    {
        var report = pair.Verify(ZipRelay.Lay(pair.Upgraded, part => part, hiding switch
        {
            "archive comment" => new ZipTail { Comment = "hidden" },
            "zip64 records" => PyTorchZip.Tail,
            _ => new ZipTail { Zip64 = true, Zip64Extension = Payload },
        }));

        Assert.Equal("zip end records", Assert.Single(report.Differences).Place);
    }

    [Fact]
    public void Each_byte_of_each_header_and_end_record_is_compared()
    {
        var entries = ZipSurgery.Entries(pair.Upgraded);
        var data = entries.SelectMany(entry => Enumerable.Range(entry.Start, entry.Length)).ToHashSet();
        for (var at = 0; at < pair.Upgraded.Length; at++)
        {
            if (!data.Contains(at))
            {
                var bytes = pair.Upgraded.ToArray();
                bytes[at] ^= 0x20;
                Assert.False(pair.Verify(bytes).IsVerified, $"byte {at}");
            }
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(640)]
    [InlineData(6400)]
    public void Padding_that_is_longer_than_need_be_is_named(int more)
    {
        // It hides nothing, but no upgrade makes it.
        var report = pair.Verify(Relaid(padding => padding + more, 'Z'));

        Assert.Equal(more < 128, report.IsVerified);
    }

    [Fact]
    public void Padding_with_another_content_is_named()
    {
        var difference = pair.Verify(Relaid(padding => padding, 'Y')).Differences[0];

        Assert.EndsWith("padding", difference.Place, StringComparison.Ordinal);
        Assert.Equal("it holds something else than Z", difference.Problem);
    }

    [Fact]
    public void Names_that_differ_in_bytes_that_are_no_text_are_named()
    {
        // As text, each of these is U+FFFD and "aa".
        byte[][] names = [[0xff, (byte)'a', (byte)'a'], [0xfe, (byte)'a', (byte)'a'], [0xef, 0xbf, 0xbd, (byte)'a', (byte)'a']];
        var pairs = names.Select(name => new VerifiedPair(Named(name), LegacyModel.Geometry)).ToList();
        foreach (var broken in pairs)
        {
            Assert.Equal(pairs.Select(other => other == broken), pairs.Select(other => broken.Verify(other.Upgraded).IsVerified));
        }

        pairs.ForEach(broken => broken.Dispose());
    }

    /// <summary>The legacy file with one more entry, whose name is no text.</summary>
    private static byte[] Named(byte[] name)
    {
        var legacy = LegacyModel.Legacy.ToFile();
        var placeholder = new string('q', name.Length);
        var file = TorchFile.Write([.. ZipSurgery.Entries(legacy).Select(entry => (entry.Name, ZipSurgery.Bytes(legacy, entry))), ($"archive/{placeholder}", [])]);
        for (int at; (at = file.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"archive/{placeholder}"))) >= 0;)
        {
            name.CopyTo(file, at + "archive/".Length);
        }

        return file;
    }

    private static ZipPart Hide(ZipPart part, string hiding) => hiding switch
    {
        "central field" => part with { CentralExtra = ZipRelay.Field(Unknown, Payload) },
        "central padding" => part with { CentralExtra = ZipRelay.Field(Padding, Payload) },
        "two central paddings" => part with { CentralExtra = [.. ZipRelay.Field(Padding, Payload), .. ZipRelay.Field(Padding, Payload)] },
        "central zip64" => part with { CentralExtra = ZipRelay.Field(Zip64, Payload) },
        "central zip64 that is true" => part with { CentralExtra = ZipRelay.Field(Zip64, [.. Size(part), .. Size(part)]) },
        "central comment" => part with { CentralComment = new string('c', 30_000) },
        "local field" => part with { LocalExtra = ZipRelay.Field(Unknown, Payload) },
        "local zip64" => part with { LocalExtra = ZipRelay.Field(Zip64, Payload) },
        "local zip64 that is true" => part with { LocalExtra = ZipRelay.Field(Zip64, [.. Size(part), .. Size(part)]) },
        "second padding before" => part with { LocalExtra = ZipRelay.Field(Padding, Payload) },
        "field before the padding of one byte" => part with { LocalExtra = ZipRelay.Field(Unknown, 1) },
        "flags of both" => part with { Flags = 0x0800 },
        "descriptor" => part with { Descriptor = ZipDescriptor.SignedNarrow },
        _ => throw new ArgumentOutOfRangeException(nameof(hiding), hiding, "no such way"),
    };

    private static byte[] Size(ZipPart part) => BitConverter.GetBytes((long)part.Content.Length);

    /// <summary>The upgrade with other padding behind the first entry's header.</summary>
    private byte[] Relaid(Func<int, int> length, char content)
    {
        var image = new ZipImage();
        foreach (var entry in ZipSurgery.Entries(pair.Upgraded).OrderBy(entry => entry.LocalHeader))
        {
            var padding = PyTorchZip.PaddingBefore(image.Length + PyTorchZip.HeaderLength + Encoding.UTF8.GetByteCount(entry.Name));
            var isFirst = image.Length == 0;
            var payload = Enumerable.Repeat((byte)(isFirst ? content : 'Z'), isFirst ? length(padding) : padding);
            image.Add(new ZipPart(entry.Name, ZipSurgery.Bytes(pair.Upgraded, entry)) { LocalExtra = ZipRelay.Field(Padding, [.. payload]) });
        }

        return image.End().ToArray();
    }
}
