using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using QkvMigrate.Cli.Tests.Support;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Processes;
using Xunit;

namespace QkvMigrate.Cli.Tests;

/// <summary><c>inspect --html</c>: the page, its numbers, and what a hostile file cannot do to it.</summary>
public sealed class InspectPageTests : IDisposable
{
    private static readonly string Sample = Repository.At("samples", "tiny-licenses-gqa");

    private readonly WorkFolder _folder = new();

    private string Page => _folder.At("page.html");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_maps_show_the_norms_that_PyTorch_computes()
    {
        var norms = Norms("8", "2", "16");
        var page = Inspect(Sample);
        var maps = page.Descendants("figure").ToList();
        Assert.Equal(["before", "after"], maps.Select(map => map.Element("figcaption")!.Value));
        string[] before = ["q0", "q1", "q2", "q3", "k0", "v0", "q4", "q5", "q6", "q7", "k1", "v1"];
        string[] after = ["q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "k0", "k1", "v0", "v1"];
        foreach (var (map, order) in maps.Zip(new[] { before, after }))
        {
            Assert.Equal(order, map.Elements("div").First().Elements("span").Select(head => head.Value));
            var cells = map.Descendants("rect").ToList();
            Assert.Equal(norms.Count * order.Length, cells.Count);
            for (var i = 0; i < cells.Count; i++)
            {
                var (layer, column) = (i / order.Length, i % order.Length);
                Assert.Equal($"{column} {layer}", $"{cells[i].Attribute("x")!.Value} {cells[i].Attribute("y")!.Value}");
                var (name, head, norm) = Cell(cells[i]);
                Assert.Equal($"model/transformer.h.{layer}.attn.attn.weight", name);
                Assert.Equal(order[column], head);
                var expected = norms[name["model/".Length..]].GetProperty(head[..1])[int.Parse(head[1..], CultureInfo.InvariantCulture)].GetDouble();
                Assert.Equal(expected, norm, expected * 1e-4);
            }
        }
    }

    [Fact]
    public void The_largest_norm_is_bright_and_the_smallest_is_dark()
    {
        var cells = Inspect(Sample).Descendants("figure").First().Descendants("rect").OrderBy(cell => Cell(cell).Norm).ToList();
        Assert.Equal("#440154", cells[0].Attribute("fill")!.Value);
        Assert.Equal("#fde725", cells[^1].Attribute("fill")!.Value);
    }

    [Fact]
    public void The_page_says_what_the_text_says()
    {
        var page = Inspect(Sample).Value;
        Assert.All(
            ["n_head=8 n_query_groups=2 head_size=16 (from model_config.yaml)", "bfloat16: 31 tensors", "model/transformer.h.0-3.attn.attn.weight", "attn.qkv.weight", "rows reordered", "[lora-finetuning-random-init]"],
            text => Assert.Contains(text, page, StringComparison.Ordinal), throwIfEmpty: true);
    }

    [Fact]
    public void The_page_asks_for_nothing_and_runs_nothing()
    {
        var page = Inspect(Sample);
        Assert.DoesNotContain(page.Descendants(), element => element.Name.LocalName is "script" or "link" or "img" or "iframe" or "object");
        Assert.DoesNotContain(page.Descendants().Attributes(), attribute => attribute.Name.LocalName is "src" or "href" or "style" || attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.DoesNotContain("url(", page.Descendants("style").Single().Value, StringComparison.Ordinal);
        Assert.Contains(page.Descendants("meta"), meta => meta.Attribute("content")?.Value.StartsWith("default-src 'none';", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void An_upgraded_checkpoint_has_one_map_in_its_order()
    {
        Assert.Equal(0, Tool.Run("upgrade", Sample, "-o", _folder.At("upgraded")).ExitCode);
        var map = Assert.Single(Inspect(_folder.At("upgraded")).Descendants("figure"));
        var before = Inspect(Sample, "--force").Descendants("figure").Last();
        Assert.NotEmpty(map.Descendants("rect"));
        Assert.Equal(
            before.Descendants("rect").Select(cell => (Cell(cell).Head, Cell(cell).Norm)),
            map.Descendants("rect").Select(cell => (Cell(cell).Head, Cell(cell).Norm)));
    }

    [Fact]
    public void Names_are_text_whatever_they_are()
    {
        const string Prefix = "</title></style><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\"\e[2J\u202e\0.h.";
        Directory.CreateDirectory(_folder.At("<b>&\"'"));
        var file = _folder.At("<b>&\"'", "x.pth");
        LegacyCheckpoint.Write(file, 1, Prefix);
        var page = Inspect([file, .. LegacyCheckpoint.Arguments]);
        Assert.DoesNotContain(page.Descendants(), element => element.Name.LocalName is "script" or "img" or "b");
        Assert.Contains(file, page.Descendants("h2").Single().Value, StringComparison.Ordinal);
        var shown = Prefix.Replace("\e", @"\x1b", StringComparison.Ordinal).Replace("\u202e", @"\u202e", StringComparison.Ordinal).Replace("\0", @"\x00", StringComparison.Ordinal);
        Assert.Contains($"{shown}0.attn.attn.weight", page.Descendants("td").First().Value, StringComparison.Ordinal);
        Assert.All(page.Descendants("rect"), cell => Assert.StartsWith($"{shown}0.attn.attn.weight, ", cell.Value, StringComparison.Ordinal), throwIfEmpty: true);
    }

    [Fact]
    public void Norms_that_are_no_numbers_have_no_colour()
    {
        LegacyCheckpoint.Write(_folder.At("random-bits.pth"), 1);
        var cells = Inspect([_folder.At("random-bits.pth"), .. LegacyCheckpoint.Arguments]).Descendants("rect").ToList();
        Assert.Equal(24, cells.Count);
        Assert.All(cells, cell => Assert.Equal(double.IsFinite(Cell(cell).Norm), cell.Attribute("fill")!.Value.StartsWith('#')), throwIfEmpty: true);
        Assert.Contains(cells, cell => double.IsNaN(Cell(cell).Norm));
    }

    [Fact]
    public void A_refused_checkpoint_is_on_the_page_too()
    {
        File.WriteAllText(_folder.At("broken.pth"), "no checkpoint");
        var run = Tool.Run("inspect", _folder.At("broken.pth"), "--html", Page);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no checkpoint", XDocument.Load(Page).Descendants("p").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void An_existing_file_is_replaced_by_force_alone()
    {
        File.WriteAllText(Page, "mine");
        var refused = Tool.Run("inspect", Sample, "--html", Page);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Equal($"qkvmigrate: {Page}: the output exists already; --force replaces it", Assert.Single(refused.ErrorLines));
        Assert.Equal("mine", File.ReadAllText(Page));
        Assert.Equal("html", Inspect(Sample, "--force").Name.LocalName);
        Assert.Equal(["page.html"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_checkpoint_is_never_replaced()
    {
        var copy = _folder.Take(Sample);
        var before = _folder.Snapshot();
        var run = Tool.Run("inspect", copy, "--html", Path.Combine(copy, "lit_model.pth"), "--force");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("this is a checkpoint, and no page is written over one", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Equal(before, _folder.Snapshot());
    }

    [Fact]
    public void Force_without_a_page_is_bad_usage()
    {
        var run = Tool.Run("inspect", Sample, "--force");
        Assert.Equal(2, run.ExitCode);
        Assert.Equal("qkvmigrate: --force goes with --html; see 'qkvmigrate inspect --help'", Assert.Single(run.ErrorLines));
    }

    private XElement Inspect(params string[] arguments)
    {
        var run = Tool.Run(["inspect", .. arguments, "--html", Page]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("", run.Error);
        Assert.StartsWith("<!DOCTYPE html", File.ReadAllText(Page), StringComparison.Ordinal);
        return XDocument.Load(Page).Root!;
    }

    private static (string Name, string Head, double Norm) Cell(XElement cell)
    {
        var title = cell.Element("title")!.Value;
        var comma = title.LastIndexOf(", ", StringComparison.Ordinal);
        var colon = title.LastIndexOf(": ", StringComparison.Ordinal);
        return (title[..comma], title[(comma + 2)..colon], double.Parse(title[(colon + 2)..], CultureInfo.InvariantCulture));
    }

    private static Dictionary<string, JsonElement> Norms(params string[] geometry)
    {
        var computed = PyTorch.Run("head_norms.py", [Path.Combine(Sample, "lit_model.pth"), .. geometry]);
        Assert.True(computed.ExitCode == 0, computed.Error);
        var norms = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(computed.Output)!;
        Assert.Equal(4, norms.Count);
        return norms;
    }
}
