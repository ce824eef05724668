using System.Text.Json.Nodes;
using CsCheck;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>
/// Random folders with a model, in one file or cut in two beside an index, and a configuration. The right upgrade of a folder that
/// differs in one thing is none of this one's; one whose files are written in another way is, or is named.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ChangedFolderTests : IDisposable
{
    private const string Yaml = "model_config.yaml";
    private const string Index = "model.safetensors.index.json";
    private const string First = "model-1.safetensors";
    private const string Second = "model-2.safetensors";
    private const string Layer = "transformer.h.";

    /// <summary>Sizes that upgrades read, names that they change, and others, each in several forms.</summary>
    private static readonly string[] Lines =
    [
        "name: a-model", "org: somebody", "bias: true", "norm_eps: 1.0e-05", "block_size: 64", "_norm_class: RMSNorm", "_mlp_class: LLaMAMLP", "condense_ratio: 1", "rope_n_elem: 4",
        "sliding_window_layer_placing: interleaved", "sliding_window_size: 8", "# a comment", "extra: {a: [1, 2], b: 'x'}", "", "rotary_percentage: 0.25  # of it",
    ];

    private static readonly Gen<Folder> Folders =
        from isCut in Gen.Bool
        from layers in Gen.Int[1, 3]
        from columns in Gen.Int[2, 5]
        from lines in Gen.Shuffle(Lines)
        from count in Gen.Int[0, Lines.Length]
        from isCrLf in Gen.Bool
        from isIndented in Gen.Bool
        select new Folder(isCut, layers, columns, ["n_head: 4", "n_query_groups: 2", "head_size: 4", "n_layer: 3", .. lines.Take(count)], isCrLf, isIndented);

    private readonly WorkFolder folder = new();
    private readonly StreamReorderEngine engine = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_upgrade_of_another_folder_is_none_of_this()
    {
        var counts = new Dictionary<string, int>();
        Gen.Select(Folders, Gen.OneOf("field", "number", "map", "metadata"), Gen.Int[0, 1000]).Sample(
            (model, kind, choice) =>
            {
                model.Write(folder.At("original"), Untouched);
                Assert.True(Upgrade("original", "right"));
                Assert.Empty(Verify("right"));
                model.Write(folder.At("other"), (name, bytes) => Changed(name, bytes, kind, choice));
                if (!IsSame("original", "other") && Upgrade("other", "wrong"))
                {
                    Assert.NotEmpty(Verify("wrong"));
                    counts[kind] = counts.GetValueOrDefault(kind) + 1;
                }
            },
            iter: 600,
            threads: 1,
            seed: "0002YpPnR1v4");
        Assert.All(["field", "number", "map", "metadata"], kind => Assert.True(counts.GetValueOrDefault(kind) > 25, $"{kind}: {counts.GetValueOrDefault(kind)}"), throwIfEmpty: true);
    }

    [Fact]
    public void A_file_of_the_upgrade_that_is_written_in_another_way_is_named() =>
        Gen.Select(Folders, Gen.OneOf(Yaml, Index, First), Gen.Int[0, 1000]).Sample(
            (model, name, choice) =>
            {
                model.Write(folder.At("original"), Untouched);
                Assert.True(Upgrade("original", "right"));
                var path = folder.At("right", name);
                if (!File.Exists(path))
                {
                    return;
                }

                var (right, other) = (File.ReadAllBytes(path), Rewritten(name, File.ReadAllText(path), choice));
                if (other is not null && !right.AsSpan().SequenceEqual(System.Text.Encoding.UTF8.GetBytes(other)))
                {
                    File.WriteAllText(path, other);
                    Assert.NotEmpty(Verify("right"));
                }
            },
            iter: 300,
            threads: 1,
            seed: "0002YpPnR1v4");

    /// <summary>Data on multiples of 64 is as PyTorch writes it, wherever it stands. Compressed entries are none that PyTorch reads without a copy.</summary>
    [Fact]
    public void A_zip_that_is_laid_down_again_is_right_where_its_data_is_aligned_and_stored() =>
        Gen.Select(Gen.Int[1, 3], Gen.OneOf(1, 4, 16, 32, 64, 128, 192, 640, 4096), Gen.Bool, Gen.Int[0, 1000]).Sample(
            (layers, alignment, isCompressed, choice) =>
            {
                Directory.CreateDirectory(folder.At("original"));
                File.WriteAllText(folder.At("original", Yaml), "n_head: 4\nn_query_groups: 2\nhead_size: 4\n");
                File.WriteAllBytes(folder.At("original", "lit_model.pth"), Folder.Model(0, layers, 3).ToFile());
                Assert.True(Upgrade("original", "right"));
                var path = folder.At("right", "lit_model.pth");
                var zip = File.ReadAllBytes(path);
                var compressed = isCompressed ? choice % ZipSurgery.Entries(zip).Count : -1;
                File.WriteAllBytes(path, Relaid(zip, alignment, compressed));

                var differences = Verify("right");

                Assert.Equal(!isCompressed && IsAligned(File.ReadAllBytes(path)), differences.Count == 0);
            },
            iter: 200,
            threads: 1,
            seed: "0002YpPnR1v4");

    /// <summary>Whether all data stands on multiples of 64, behind less than two of these.</summary>
    private static bool IsAligned(byte[] zip) =>
        ZipSurgery.Entries(zip).TrueForAll(entry => entry.Start % 64 == 0 && entry.Start - entry.LocalHeader - PyTorchZip.HeaderLength - entry.Name.Length - 4 < 128);

    private static byte[] Relaid(byte[] zip, int alignment, int compressed)
    {
        var image = new ZipImage();
        foreach (var (number, entry) in ZipSurgery.Entries(zip).OrderBy(entry => entry.LocalHeader).Index())
        {
            var bytes = ZipSurgery.Bytes(zip, entry);
            var part = number == compressed ? ZipPart.Deflated(entry.Name, bytes) : new ZipPart(entry.Name, bytes);
            image.Add(part with { LocalExtra = PyTorchZip.Padding(PyTorchZip.PaddingBefore(image.Length + PyTorchZip.HeaderLength + entry.Name.Length, alignment)) });
        }

        return image.End().ToArray();
    }

    private static byte[] Untouched(string name, byte[] bytes) => bytes;

    /// <summary>One thing of one file that is another.</summary>
    private static byte[] Changed(string name, byte[] bytes, string kind, int choice)
    {
        if (kind == "field" && name == Yaml)
        {
            var lines = System.Text.Encoding.UTF8.GetString(bytes).Split('\n').ToList();
            var at = 3 + (choice % (lines.Count - 3));
            switch (choice % 4)
            {
                case 0: lines.Insert(at, "another: 1"); break;
                case 1: lines.RemoveAt(at); break;
                case 2: lines[at] = lines[at].TrimEnd('\r').Replace(": ", ": 1", StringComparison.Ordinal); break;
                default: (lines[at], lines[3]) = (lines[3], lines[at]); break;
            }

            return System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines));
        }

        if (kind == "number" && name == First)
        {
            byte[] other = [.. bytes];
            other[^(1 + (choice % 100))] ^= 1;
            return other;
        }

        if (name == Index && kind is "map" or "metadata" && JsonNode.Parse(bytes) is JsonObject index)
        {
            if (kind == "metadata")
            {
                index["metadata"]![choice % 2 == 0 ? "total_size" : "more"] = choice;
            }
            else
            {
                var map = index["weight_map"]!.AsObject();
                var (key, value) = map.ElementAt(choice % map.Count);
                map.Remove(key);
                map.Insert(choice % 7 % (map.Count + 1), key, value);
            }

            return System.Text.Encoding.UTF8.GetBytes(index.ToJsonString());
        }

        return bytes;
    }

    /// <summary>The same content in other words, or null where there are none.</summary>
    private static string? Rewritten(string name, string text, int choice) => (name, choice % 5) switch
    {
        (First, _) => null,
        (Yaml, 0) => text + "\n",
        (Yaml, 1) => text.Replace("n_head: 4", "n_head:  4", StringComparison.Ordinal),
        (Yaml, 2) => text.Replace("n_head: 4", "n_head: +4", StringComparison.Ordinal),
        (Yaml, 3) => "# a comment\n" + text,
        (Yaml, _) => "---\n" + text,
        (_, 0) => text + " ",
        (_, 1) => JsonNode.Parse(text)!.ToJsonString(new() { WriteIndented = !text.Contains('\n', StringComparison.Ordinal) }),
        (_, 2) => text.Replace(".weight\"", ".weigh\\u0074\"", StringComparison.Ordinal),
        (_, 3) => text.Replace("\"metadata\"", "\"metadata\" ", StringComparison.Ordinal),
        (_, _) => "\n" + text,
    };

    private bool IsSame(string one, string other) => WorkFolder.Snapshot(folder.At(one)).SequenceEqual(WorkFolder.Snapshot(folder.At(other)));

    private bool Upgrade(string from, string to)
    {
        if (Directory.Exists(folder.At(to)))
        {
            Directory.Delete(folder.At(to), recursive: true);
        }

        var request = new MigrationRequest { Path = folder.At(from), Output = folder.At(to), Direction = MigrationDirection.Upgrade, Engine = () => engine };
        return Migrator.Run(request, TestContext.Current.CancellationToken).All(report => report.Error is null);
    }

    private List<string> Verify(string upgraded)
    {
        var reports = PathVerifier.Run(folder.At("original"), folder.At(upgraded), new VerificationOptions(), TestContext.Current.CancellationToken);
        return [.. reports.SelectMany(report => report.Error is { } error ? [error.Message] : report.Differences.Select(difference => difference.ToString()))];
    }

    /// <summary>A model and its configuration.</summary>
    private sealed record Folder(bool IsCut, int Layers, int Columns, IReadOnlyList<string> Lines, bool IsCrLf, bool IsIndented)
    {
        public static StateDict Model(int first, int count, int columns)
        {
            var tensors = Enumerable.Range(first, count).SelectMany(layer => new (string Name, int[] Shape)[]
            {
                ($"{Layer}{layer}.attn.attn.weight", [32, columns]), ($"{Layer}{layer}.norm_1.weight", [columns]), ($"{Layer}{layer}.attn.attn.bias", [32]),
            }).ToList();
            return new StateDict(
                [.. tensors.Select((tensor, number) => new TestTensor(tensor.Name, number, tensor.Shape, tensor.Shape.Length == 2 ? [columns, 1] : [1]))],
                [.. tensors.Select(tensor => tensor.Shape.Aggregate(1, (product, size) => product * size))]);
        }

        public void Write(string path, Func<string, byte[], byte[]> change)
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            Directory.CreateDirectory(path);
            var end = IsCrLf ? "\r\n" : "\n";
            Put(Yaml, System.Text.Encoding.UTF8.GetBytes(string.Concat(Lines.Select(line => line + end))));
            Put(First, Model(0, Layers, Columns).ToSafetensors());
            if (IsCut)
            {
                Put(Second, Model(Layers, Layers, Columns).ToSafetensors());
                var map = new JsonObject();
                foreach (var (file, model) in new[] { (First, Model(0, Layers, Columns)), (Second, Model(Layers, Layers, Columns)) })
                {
                    model.Tensors.ToList().ForEach(tensor => map.Add(tensor.Key, file));
                }

                var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 1 }, ["weight_map"] = map };
                Put(Index, System.Text.Encoding.UTF8.GetBytes(index.ToJsonString(new() { WriteIndented = IsIndented })));
            }

            void Put(string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(path, name), change(name, bytes));
        }
    }
}
