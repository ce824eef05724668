using System.Text;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary>Small files that would be huge in memory: refused in one line, with little memory. Peak memory is measured by the kernel.</summary>
public sealed class BombTests : IDisposable
{
    private const long MaximumKilobytes = 200 << 10;

    private const string PickleName = "archive/data.pkl";

    private readonly WorkFolder folder = new();

    public static TheoryData<string> Bombs => [.. Pickles.Keys];

    public static TheoryData<string> HarmlessOnes => [.. Harmless.Keys];

    /// <summary>Pickles, each with the memory that it asks for.</summary>
    private static Dictionary<string, Func<byte[]>> Pickles { get; } = new()
    {
        // Lists of ten of the list before, nine times: a billion values where something follows every path.
        ["memo-doubling"] = () => [0x80, 2, .. Enumerable.Range(0, 30).SelectMany(level => (byte[])[(byte)']', (byte)'q', (byte)level, .. level == 0 ? [] : Twice(level)]), (byte)'.'],
        ["billion-laughs-of-keys"] = () => [0x80, 2, .. Literal(new string('k', 1 << 20)), (byte)'q', 0, (byte)'0', .. Repeat("}h\0"u8, 5_000), .. Repeat("}s"u8, 1), .. Repeat("s"u8, 4_999), (byte)'.'],
        ["deep-lists"] = () => [0x80, 2, .. Repeat("]"u8, 1_000_000), .. Repeat("a"u8, 999_999), (byte)'.'],
        ["deep-tuples"] = () => [0x80, 2, (byte)'N', .. Repeat([0x85], 4_000_000), (byte)'.'],
        ["deep-marks"] = () => [0x80, 2, .. Repeat("("u8, 1_000_000), (byte)'.'],
        ["memoized-lists"] = () => [0x80, 4, .. Repeat([(byte)']', 0x94, (byte)'0'], 5_000_000), (byte)'N', (byte)'.'],
        ["billion-tuple"] = () => [0x80, 2, (byte)'(', .. Repeat("K\u0001"u8, 8_000_000), (byte)'t', (byte)'.'],
        ["huge-long"] = () => [0x80, 2, 0x8b, .. Number(8 << 20), .. Repeat([0x7f], 8 << 20), (byte)'.'],
        ["huge-decimal"] = () => [(byte)'L', .. Repeat("9"u8, 1 << 19), (byte)'L', (byte)'\n', (byte)'.'],
        ["claimed-string"] = () => [0x80, 4, 0x8d, .. Repeat([0xff], 7), 0x7f, (byte)'.'],
        ["claimed-bytes"] = () => [0x80, 3, (byte)'B', .. Number(-1), (byte)'.'],
        ["claimed-frame"] = () => [0x80, 4, 0x95, .. Repeat([0xff], 8), (byte)'N', (byte)'.'],
        ["nested-candidates"] = () => [0x80, 2, .. Repeat([(byte)'U', 5, (byte)'c', (byte)'\n', (byte)'\n', (byte)'N', (byte)'.', (byte)'0'], 500_000), (byte)'N', (byte)'.'],
        ["shared-moments"] = () => [0x80, 2, .. SmallTensor, .. "}q\u00030"u8, .. Literal("k"), .. "q\u00040}("u8, .. Literal("state"), .. "}("u8, .. Numbered(200_000, "h\u0003"u8), (byte)'u', .. Literal("param_groups"), .. "](}eu"u8, .. "h\u0003("u8, .. Repeat("h\u0004h\u0002"u8, 20_000), .. "u0."u8],
        ["shapes-by-shapes"] = () => [0x80, 2, .. ManyShapes, (byte)'.'],
        ["shared-states"] = () => [0x80, 2, .. "}q\u00030"u8, .. Literal("state"), .. "q\u00050"u8, .. Literal("param_groups"), .. "q\u00060](}eq\u00070]("u8, .. Repeat("}(h\u0005h\u0003h\u0006h\u0007u"u8, 60_000), .. "eh\u0003("u8, .. Numbered(20_000, "N"u8), .. "u0."u8],
    };

    /// <summary>The model and the list of the bomb below: fused matrices of many shapes, tensors without a name that none of them makes, and one that was written out.</summary>
    private static byte[] ManyShapes =>
    [
        .. SmallTensor, .. "}("u8, .. Literal("model"), .. "}("u8,
        .. Enumerable.Range(1, 15_000).SelectMany(number => (byte[])[.. Literal($"h.{number}.attn.attn.weight"), .. Repeated(24, number)]),
        (byte)'u', .. Literal("list"), .. "]("u8,
        .. Enumerable.Range(30_000, 15_000).SelectMany(number => Repeated(2, 24, number)),
        .. "]("u8, .. Repeat("](F0.5\ne"u8, 24), .. "eeu"u8,
    ];

    /// <summary>A tensor of one number in all places.</summary>
    private static byte[] Repeated(params int[] sizes) =>
    [
        .. "h\u0001(h\u0000K\0("u8, .. sizes.SelectMany(size => (byte[])[(byte)'J', .. Number(size)]), .. "t("u8, .. Repeat("K\0"u8, sizes.Length), (byte)'t', 0x89, .. "}tR"u8,
    ];

    /// <summary>A tensor of one number, in slot 2 of the memo.</summary>
    private static byte[] SmallTensor =>
        [.. "ctorch._utils\n_rebuild_tensor_v2\nq\u00010(("u8, .. Literal("storage"), .. "ctorch\nFloatStorage\n"u8, .. Literal("0"), .. Literal("cpu"), .. "K\u0001tQq\u00000h\u0001(h\u0000K\u0000))"u8, 0x89, .. "}tRq\u00020"u8];

    /// <summary>Pickles that look worse than they are.</summary>
    private static Dictionary<string, Func<byte[]>> Harmless { get; } = new()
    {
        ["sparse-memo"] = () => [0x80, 2, (byte)'N', .. Enumerable.Range(0, 1_000_000).SelectMany(slot => (byte[])[(byte)'r', .. Number(3 * slot)]), (byte)'.'],
        ["fetched-strings"] = () => [0x80, 2, .. Literal("k"), (byte)'q', 0, .. Repeat("h\00"u8, 4_000_000), (byte)'.'],
        ["empty-frames"] = () => [0x80, 4, .. Repeat([0x95, 0, 0, 0, 0, 0, 0, 0, 0], 1_000_000), (byte)'N', (byte)'.'],
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(HarmlessOnes))]
    public void What_is_none_takes_little_memory_all_the_same(string name)
    {
        var path = folder.At($"{name}.pth");
        File.WriteAllBytes(path, Archive(Harmless[name]()));

        var run = Tool.RunMeasured("upgrade", path);

        Assert.Equal(0, run.Result.ExitCode);
        Assert.InRange(run.PeakKilobytes, 1, MaximumKilobytes);
    }

    [Theory]
    [MemberData(nameof(Bombs))]
    public void A_bomb_of_a_pickle_is_refused(string name)
    {
        var path = folder.At($"{name}.pth");
        File.WriteAllBytes(path, Archive(Pickles[name]()));
        AssertRefused(path);
    }

    [Fact]
    public void A_compressed_entry_is_refused_before_it_is_unpacked()
    {
        var image = new ZipImage().Add(ZipPart.Deflated(PickleName, new byte[256 << 20])).Add(new ZipPart("archive/data/0", new byte[4]));
        var path = image.End().Bytes.Save(folder.At("zip.pth"));
        Assert.Contains("compressed", AssertRefused(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_count_of_entries_is_not_believed()
    {
        var image = new ZipImage().Add(new ZipPart(PickleName, [0x80, 2, (byte)'N', (byte)'.'])).Add(new ZipPart("archive/data/0", new byte[4]));
        var path = image.End(new ZipTail { Zip64 = true, Count = 1L << 32 }).Bytes.Save(folder.At("count.pth"));
        Assert.Contains("4294967296", AssertRefused(path), StringComparison.Ordinal);
    }

    private static string AssertRefused(string path)
    {
        var run = Tool.RunMeasured(["upgrade", path, "--n-head", "2", "--n-query-groups", "2", "--head-size", "4"]);

        Assert.Equal(1, run.Result.ExitCode);
        Assert.InRange(run.PeakKilobytes, 1, MaximumKilobytes);
        return Assert.Single(run.Result.ErrorLines);
    }

    private static byte[] Archive(byte[] pickle) =>
        TorchFile.Write((PickleName, pickle), ("archive/data/0", new byte[4]), ("archive/version", "3\n"u8.ToArray()));

    private static byte[] Twice(int level) => [(byte)'(', .. Repeat([(byte)'h', (byte)(level - 1)], 10), (byte)'e'];

    private static byte[] Literal(string text) => [(byte)'X', .. Number(text.Length), .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Number(int value) => BitConverter.GetBytes(value);

    /// <summary>Numbers from 0 on, each before the same value: keys of a dict.</summary>
    private static byte[] Numbered(int count, ReadOnlySpan<byte> value)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < count; i++)
        {
            bytes.AddRange([(byte)'J', .. Number(i), .. value]);
        }

        return [.. bytes];
    }

    private static byte[] Repeat(ReadOnlySpan<byte> unit, int count)
    {
        var bytes = new byte[unit.Length * count];
        for (var i = 0; i < count; i++)
        {
            unit.CopyTo(bytes.AsSpan(i * unit.Length));
        }

        return bytes;
    }
}
