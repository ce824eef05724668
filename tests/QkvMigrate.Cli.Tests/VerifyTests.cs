using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Testing.Zips;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>verify</c> as a user runs it, on a right upgrade and on each way in which one can be wrong.</summary>
public sealed class VerifyTests : IDisposable
{
    private const string Weight = "transformer.h.0.attn.attn.weight";
    private const int RowBytes = 5 * sizeof(float);
    private const int HeadBytes = 4 * RowBytes;

    /// <summary>32 rows: 4 heads in 2 groups of 4 rows.</summary>
    private static readonly string[] Geometry = ["--n-head", "4", "--n-query-groups", "2", "--head-size", "4"];

    /// <summary>32 rows as well.</summary>
    private static readonly string[] OtherGeometry = ["--n-head", "6", "--n-query-groups", "1", "--head-size", "4"];

    private static readonly StateDict Model = new(
        [
            new("transformer.wte.weight", 0, [7, 5], [5, 1]),
            new(Weight, 1, [32, 5], [5, 1]),
            new("transformer.h.0.attn.attn.bias", 2, [32], [1]),
            new("transformer.h.1.attn.attn.weight", 3, [32, 5], [5, 1]),
            new("lm_head.weight", 0, [7, 5], [5, 1]),
        ],
        [35, 160, 32, 160, 35]);

    private static readonly TestTensor[] Tensors = [.. Model.Tensors];

    private readonly WorkFolder _folder = new();

    /// <summary>Each wrong upgrade with the line that names the first difference.</summary>
    public static TheoryData<string, string> WrongUpgrades => new()
    {
        { "a bit of a moved tensor", "tensor 'transformer.h.0.attn.attn.weight' row 21 (k, head 1, group 1) at byte {data/1+426}: the bytes are not those of row 25 of the first file" },
        { "a bit of an untouched tensor", "tensor 'transformer.wte.weight' row 3 at byte {data/0+61}: the bytes are not the first file's" },
        { "two heads swapped", "tensor 'transformer.h.0.attn.attn.weight' row 0 (q, head 0, group 0) at byte {data/1+1}: the bytes are not those of row 0 of the first file" },
        { "k and v swapped", "tensor 'transformer.h.0.attn.attn.weight' row 16 (k, head 0, group 0) at byte {data/1+321}: the bytes are not those of row 8 of the first file" },
        { "another geometry", "tensor 'transformer.h.0.attn.attn.weight' row 8 (q, head 2, group 1) at byte {data/1+161}: the bytes are not those of row 16 of the first file" },
        { "a key missing", "tensor 'lm_head.weight': it is not in the second file, or those before it have taken its place" },
        { "two keys swapped", "tensor 'transformer.h.0.attn.attn.weight': 'transformer.h.1.attn.qkv.weight' stands in its place, expected the name 'transformer.h.0.attn.qkv.weight'" },
        { "a changed stride", "tensor 'transformer.wte.weight': strides (1, 7), expected (5, 1)" },
        { "a broken tie", "tensor 'lm_head.weight': storage 4, expected 0" },
        { "an edited object", "pickle at byte {step}: BinInt with another argument" },
        { "a wrong CRC", "zip entry 'archive/data/2' at byte {data/2+0}: its headers give CRC-32 " },
        { "trailing bytes", "zip directory" },
    };

    private string Original => _folder.At("original.pth");

    private string Upgraded => _folder.At("upgraded.pth");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_right_upgrade_is_verified_and_says_what_was_compared()
    {
        Upgrade(Model, Original, Upgraded, Geometry);

        var verify = Verify();

        Assert.Equal((0, ""), (verify.ExitCode, verify.Error));
        Assert.Matches(
            $@"^verified: {Original} -> {Upgraded}\n  rows of 3 of 5 tensors from interleaved to sequential, 3 names changed, n_head=4 n_query_groups=2 head_size=4; compared [0-9.]+ kB of [0-9.]+ kB and 7 of 7 checksums in [0-9.]+ s\n(  (not )?covered: .+\n)+$",
            verify.Output);
        var lines = verify.Output.Split('\n')[2..^1];
        Assert.Contains("  covered: tensors: 5, in order: names, dtypes, shapes, strides, and which share a storage", lines);
        Assert.StartsWith("  not covered: what lies beside: ", lines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(WrongUpgrades))]
    public void A_wrong_upgrade_is_named(string mistake, string line)
    {
        Upgrade(Model, Original, Upgraded, Geometry);
        var bytes = Mistake(mistake, File.ReadAllBytes(Upgraded));
        File.WriteAllBytes(Upgraded, bytes);

        var verify = Verify();

        Assert.Equal((1, ""), (verify.ExitCode, verify.Error));
        var lines = verify.Output.Split('\n');
        Assert.Equal($"differs: {Original} -> {Upgraded}", lines[0]);
        Assert.StartsWith($"  {Placed(line, bytes)}", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void In_JSON_the_first_differences_stand_with_their_places()
    {
        Upgrade(Model, Original, Upgraded, Geometry);
        var bytes = File.ReadAllBytes(Upgraded);
        var moved = ZipSurgery.Find(bytes, "data/1");
        File.WriteAllBytes(Upgraded, ZipSurgery.Edit(bytes, moved, content => content[(21 * RowBytes) + 6] ^= 0x10));

        var verify = Verify("--json");

        Assert.Equal((1, ""), (verify.ExitCode, verify.Error));
        var report = JsonReport.OnlyCheckpoint(verify);
        Assert.Equal(
            (Original, Upgraded, "differs", "upgrade", 1),
            (report.Text("path"), report.Text("output"), report.Text("status"), report.Text("direction"), report.GetProperty("differenceCount").GetInt32()));
        var difference = Assert.Single(report.GetProperty("differences").EnumerateArray());
        Assert.Equal(
            ("tensor 'transformer.h.0.attn.attn.weight'", 21, "key", 1, 1, moved.Start + (21 * RowBytes) + 6),
            (difference.Text("place"), difference.GetProperty("row").GetInt32(), difference.Text("section"), difference.GetProperty("head").GetInt32(), difference.GetProperty("queryGroup").GetInt32(), difference.GetProperty("offset").GetInt32()));
        var coverage = report.GetProperty("coverage");
        Assert.Equal(("full", 5, 3, 7, 7), (coverage.Text("mode"), coverage.GetProperty("tensors").GetInt32(), coverage.GetProperty("movedTensors").GetInt32(), coverage.GetProperty("entries").GetInt32(), coverage.GetProperty("checksums").GetInt32()));
    }

    [Fact]
    public void Without_a_geometry_it_is_refused_in_one_line()
    {
        Upgrade(Model, Original, Upgraded, Geometry);

        var verify = Tool.Run("verify", Original, Upgraded);

        Assert.Equal((1, ""), (verify.ExitCode, verify.Output));
        Assert.Contains("where q, k and v stand is not known", Assert.Single(verify.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing.pth")]
    [InlineData("original.pth")]
    public void A_file_that_is_not_there_is_one_line(string name)
    {
        File.WriteAllBytes(Original, Model.ToFile());

        var verify = Tool.Run(["verify", Original, _folder.At("gone", name), .. Geometry]);

        Assert.Equal(1, verify.ExitCode);
        Assert.Contains(_folder.At("gone", name), Assert.Single(verify.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public void One_path_is_no_pair() => Assert.Equal(2, Tool.Run("verify", Original).ExitCode);

    [Fact]
    public void A_tree_is_verified_file_by_file_and_one_bad_file_fails_it()
    {
        var tree = _folder.At("tree");
        foreach (var (directory, format) in new[] { ("a", Model.ToFile()), (Path.Combine("b", "c"), Model.ToSafetensors()), ("d", Model.ToFileBefore16()) })
        {
            Directory.CreateDirectory(Path.Combine(tree, directory));
            File.WriteAllBytes(Path.Combine(tree, directory, "model"), format);
            File.WriteAllText(Path.Combine(tree, directory, "model_config.yaml"), "n_head: 4\nn_query_groups: 2\nhead_size: 4\n");
        }

        Assert.Equal(0, Tool.Run("upgrade", tree, "--verify", "full").ExitCode);
        var right = Tool.Run("verify", tree, $"{tree}-qkv");

        // Three checkpoints, and the trees as wholes.
        Assert.Equal((0, 4), (right.ExitCode, right.Output.Split("verified: ").Length - 1));

        var bad = Path.Combine($"{tree}-qkv", "b", "c", "model");
        var bytes = File.ReadAllBytes(bad);
        bytes[^1] ^= 1;
        File.WriteAllBytes(bad, bytes);

        var wrong = Tool.Run("verify", tree, $"{tree}-qkv");
        Assert.Equal((1, 3), (wrong.ExitCode, wrong.Output.Split("verified: ").Length - 1));
        Assert.Contains($"differs: {Path.Combine(tree, "b", "c", "model")} -> {bad}\n  tensor 'transformer.h.1.attn.attn.weight' row 31 (v, head 1, group 1) at byte {bytes.Length - 1}: the bytes are not those of row 31 of the first file\n", wrong.Output, StringComparison.Ordinal);
    }

    private ProcessResult Verify(params string[] options) => Tool.Run(["verify", Original, Upgraded, .. Geometry, .. options]);

    private byte[] Mistake(string mistake, byte[] right) => mistake switch
    {
        "a bit of a moved tensor" => Edited(right, "data/1", bytes => bytes[(21 * RowBytes) + 6] ^= 0x10),
        "a bit of an untouched tensor" => Edited(right, "data/0", bytes => bytes[(3 * RowBytes) + 1] ^= 0x01),
        "two heads swapped" => Edited(right, "data/1", bytes => Swap(bytes, 0, 2)),
        "k and v swapped" => Edited(right, "data/1", bytes => Swap(bytes, 4, 6)),
        "another geometry" => UpgradeOf(Model, OtherGeometry),
        "a key missing" => UpgradeOf(Model with { Tensors = Tensors[..^1] }, Geometry),
        "two keys swapped" => UpgradeOf(Model with { Tensors = [Tensors[0], Tensors[1] with { Key = Tensors[3].Key }, Tensors[2], Tensors[3] with { Key = Tensors[1].Key }, Tensors[4]] }, Geometry),
        "a changed stride" => UpgradeOf(Model with { Tensors = [Tensors[0] with { Strides = [1, 7] }, .. Tensors[1..]] }, Geometry),
        "a broken tie" => UpgradeOf(Model with { Tensors = [.. Tensors[..^1], Tensors[^1] with { Storage = 4 }] }, Geometry),
        "an edited object" => UpgradeOf(Model with { Step = 12001 }, Geometry),
        "a wrong CRC" => WrongChecksum(right),
        _ => [.. right, 0, 0, 0],
    };

    private static byte[] Edited(byte[] zip, string entry, Action<byte[]> change) => ZipSurgery.Edit(zip, ZipSurgery.Find(zip, entry), change);

    private static void Swap(byte[] bytes, int first, int second)
    {
        var kept = bytes.AsSpan(first * HeadBytes, HeadBytes).ToArray();
        bytes.AsSpan(second * HeadBytes, HeadBytes).CopyTo(bytes.AsSpan(first * HeadBytes));
        kept.CopyTo(bytes, second * HeadBytes);
    }

    private static byte[] WrongChecksum(byte[] zip)
    {
        var entry = ZipSurgery.Find(zip, "data/2");
        var bytes = zip.ToArray();
        bytes[entry.LocalHeader + 14] ^= 1;
        bytes[entry.CentralHeader + 16] ^= 1;
        return bytes;
    }

    private byte[] UpgradeOf(StateDict model, string[] geometry)
    {
        Upgrade(model, _folder.At("other.pth"), _folder.At("other-upgraded.pth"), geometry);
        return File.ReadAllBytes(_folder.At("other-upgraded.pth"));
    }

    private static void Upgrade(StateDict model, string original, string upgraded, string[] geometry)
    {
        File.WriteAllBytes(original, model.ToFile());
        var upgrade = Tool.Run(["upgrade", original, "-o", upgraded, .. geometry]);
        Assert.True(upgrade.ExitCode == 0, upgrade.Error);
    }

    /// <summary>The line with the file's own offsets in the places of <c>{ENTRY+BYTES}</c> and of the object that was edited.</summary>
    private static string Placed(string line, byte[] zip)
    {
        var open = line.IndexOf('{', StringComparison.Ordinal);
        if (open < 0)
        {
            return line;
        }

        var close = line.IndexOf('}', StringComparison.Ordinal);
        var place = line[(open + 1)..close].Split('+');
        var pickle = ZipSurgery.Find(zip, "data.pkl");
        var offset = place is [var entry, var bytes]
            ? ZipSurgery.Find(zip, entry).Start + int.Parse(bytes)
            : pickle.Start + zip.AsSpan(pickle.Start, pickle.Length).IndexOf([(byte)'J', .. BitConverter.GetBytes(12001)]);
        return $"{line[..open]}{offset}{line[(close + 1)..]}";
    }
}
