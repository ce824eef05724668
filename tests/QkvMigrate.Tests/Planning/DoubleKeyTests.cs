using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchBefore16;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Pickling;
using QkvMigrate.Tests.Planning.Optimizers;
using QkvMigrate.Verification;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Planning.Optimizers.TrainingState;

namespace QkvMigrate.Tests.Planning;

/// <summary>A new name that is already a key of its dict is refused, whatever stands under it: loading would keep one of the two values.</summary>
public sealed class DoubleKeyTests : IDisposable
{
    private const string Upgraded = "transformer.h.0.attn.qkv.weight";

    private readonly TrainingState state = new();

    public static TheoryData<string, bool> Values => new(
        from value in (string[])["N", Int(3), Text("x"), List(Int(1)), Dict(), Tuple(Int(1)), "I01\n", "ctorch\nfloat32\n"]
        from isBefore16 in (bool[])[false, true]
        select (value, isBefore16));

    public static TheoryData<string, bool> Nested => new(
        from way in (string[])["module", "whole module", "way", "metadata", "state", "named values"]
        from isBefore16 in (bool[])[false, true]
        select (way, isBefore16));

    public void Dispose() => state.Dispose();

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_under_the_new_name_is_refused(string value, bool isBefore16)
    {
        state.Write(isBefore16, ("model", Dict((Embedding, state.File.Floats(7, Columns)), (Fused, state.Matrix()), (Upgraded, value))));
        Assert.Contains("stands where a plain tensor was expected; the names beside it hold tensors", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_before_the_old_name_is_refused(string value, bool isBefore16)
    {
        state.Write(isBefore16, (Upgraded, value), (Embedding, state.File.Floats(7, Columns)), (Fused, state.Matrix()));
        Assert.Contains("stands where a plain tensor was expected; the names beside it hold tensors", state.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Nested))]
    public void A_key_on_the_way_to_a_tensor_that_would_stand_twice_is_refused(string way, bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("copy", Copy(way)));
        Assert.Matches("^its new name '[a-z0-9.]*qkv(.weight)?' is already a key beside it, and a dict has each key once", state.Refusal());
    }

    [Theory]
    [MemberData(nameof(Nested))]
    public void The_verifier_finds_keys_that_become_one(string way, bool isBefore16)
    {
        state.Write(isBefore16, ("model", state.Model()), ("copy", Copy(way)));
        using var file = Checkpoint.Open(state.Original);
        var old = file.Tensors.Select(tensor => tensor.Name).Concat(file.Tensors.SelectMany(tensor => Outwards(tensor.Container)).Select(container => container.Key))
            .Concat(file.Tensors.SelectMany(tensor => tensor.Container.ModulePaths));
        var renames = old.OfType<NameEntry>().DistinctBy(name => name.Id)
            .Where(name => name.Text.EndsWith("attn.attn", StringComparison.Ordinal) || name.Text.EndsWith("attn.attn.weight", StringComparison.Ordinal) || name.Text == "attn")
            .ToDictionary(name => name.Id, name => name.Text == "attn" ? "qkv" : name.Text.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal));
        var log = new DifferenceLog();
        DoubleKeys.Find(ObjectsOf(file), renames, log);
        Assert.Contains("are both this key, and loading keeps one of their values", Assert.Single(log.First).Problem, StringComparison.Ordinal);
    }

    private static PickleScript ObjectsOf(Checkpoint file) => file switch
    {
        TorchZipCheckpoint zip => zip.Pickle,
        _ => ((TorchBefore16Checkpoint)file).Objects,
    };

    private static IEnumerable<ContainerEntry> Outwards(ContainerEntry? container)
    {
        for (; container is not null; container = container.Parent)
        {
            yield return container;
        }
    }

    private string Copy(string way) => way switch
    {
        "module" => Dict(("transformer.h.0.attn.attn", Dict(("weight", state.Matrix()))), ("transformer.h.0.attn.qkv", "N")),
        "whole module" => Dict(("transformer.h.0.attn.qkv", Dict(("x", Int(1)))), ("transformer.h.0.attn.attn", Dict(("weight", state.Matrix())))),
        "way" => Dict(("transformer", Dict(("h", Dict(("0", Dict(("attn", Dict(("attn", Dict(("weight", state.Matrix()))), ("qkv", "N")))))))))),
        "metadata" => $"ccollections\nOrderedDict\n)R({Text(Fused)}{state.Matrix()}u{Dict(("_metadata", Dict(("transformer.h.0.attn.attn", Dict()), ("transformer.h.0.attn.qkv", Dict()))))}b",
        "state" => $"cargparse\nNamespace\n)R{Dict(("transformer.h.0.attn.attn", Dict(("weight", state.Matrix()))), ("transformer.h.0.attn.qkv", Int(1)))}b",
        _ => Keyed((Text("transformer.h.0.attn.attn"), Dict(("weight", state.Matrix()))), (Int(4), Int(4)), (Text("transformer.h.0.attn.qkv"), Text("x"))),
    };
}
