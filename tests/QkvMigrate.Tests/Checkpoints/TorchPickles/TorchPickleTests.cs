using System.Runtime.CompilerServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Tests.Support;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>Where tensors are found in a pickle, and their names.</summary>
public sealed class TorchPickleTests
{
    private static readonly string Matrix = Tensor(Storage(Text("0"), 12), 0, [3, 4], [4, 1]);

    [Fact]
    public void Tensors_are_found_at_any_depth_and_in_the_order_of_the_file()
    {
        var pickle = Read(Dict(
            ("a", Matrix),
            ("nested", Dict(("b", Matrix), ("deeper", Dict(("c", Matrix))))),
            ("list", List(Matrix, Int(5), Dict(("d", Matrix)), Tuple(Matrix, Matrix))),
            ("z", Matrix),
            ("numbers", "}(" + Int(3) + Matrix + Int(4) + Dict(("e", Matrix)) + "u"),
            ("object", "cm\nThing\n)R" + Dict(("f", Matrix)) + "b"),
            ("partial", Call("functools", "partial", Matrix))));
        Assert.Equal(
            ["a", "z", "nested/b", "nested/deeper/c", "list/0", "list/2/d", "list/3/0", "list/3/1", "numbers/3", "numbers/4/e", "object/(state)/f", "partial/(arguments)/0"],
            pickle.Tensors.Select(tensor => tensor.Label));
        Assert.Equal(
            ["", "", "nested", "nested/deeper", "list", "list/2", "list/3", "list/3", "numbers", "numbers/4", "object/(state)", "partial/(arguments)"],
            pickle.Tensors.Select(tensor => tensor.Container.Path));

        // What stands in a list or tuple, or under a number, has no name.
        Assert.Equal(
            ["a", "z", "b", "c", null, "d", null, null, null, "e", "f", null],
            pickle.Tensors.Select(tensor => tensor.Name?.Text));
    }

    [Fact]
    public void A_container_that_stands_in_two_places_is_visited_once()
    {
        var pickle = Read(Dict(("one", Dict(("w", Matrix)) + "q\u0001"), ("two", "h\u0001"), ("three", List("h\u0001"))));
        Assert.Equal(["one/w"], pickle.Tensors.Select(tensor => tensor.Label));
    }

    [Fact]
    public void A_container_may_contain_itself()
    {
        var pickle = Read("}q\u0001(" + Text("self") + "h\u0001" + Text("w") + Matrix + "u");
        Assert.Equal(["w"], pickle.Tensors.Select(tensor => tensor.Label));
    }

    [Fact]
    public void A_tensor_that_stands_under_two_names_is_listed_under_both()
    {
        var pickle = Read(Dict(("wte", Matrix + "q\u0001"), ("lm_head", "h\u0001")));
        Assert.Equal(["wte", "lm_head"], pickle.Tensors.Select(tensor => tensor.Label));
        Assert.NotEqual(pickle.Tensors[0].Name!.Id, pickle.Tensors[1].Name!.Id);
        Assert.Same(pickle.Tensors[0].Storage, pickle.Tensors[1].Storage);
    }

    [Fact]
    public void Views_of_one_storage_share_it()
    {
        var pickle = Read(Dict(
            ("q", Tensor(Storage(Text("0"), 30), 0, [3, 4], [4, 1])),
            ("k", Tensor(Storage(Text("0"), 30), 12, [3, 6], [6, 1])),
            ("all", Tensor(Storage(Text("0"), 30), 0, [30], [1]))));
        Assert.Equal([0L, 12, 0], pickle.Tensors.Select(tensor => tensor.StorageOffset));
        Assert.Same(pickle.Tensors[0].Storage, pickle.Tensors[1].Storage);
        Assert.Same(pickle.Tensors[0].Storage, pickle.Tensors[2].Storage);
        Assert.Single(pickle.Storages);
    }

    [Fact]
    public void What_else_refers_to_a_storage_makes_it_opaque()
    {
        var pickle = Read(Dict(
            ("w", Tensor(Storage(Text("0"), 12), 0, [12], [1])),
            ("sparse", Call("torch._utils", "_rebuild_sparse_tensor", Tuple(Storage(Text("1"), 12)))),
            ("bare", Storage(Text("2"), 12)),
            ("both", List(Storage(Text("0"), 12)))));
        Assert.Equal(["w"], pickle.Tensors.Select(tensor => tensor.Label));
        Assert.Equal(["0", "1", "2"], pickle.OpaqueStorages.Select(storage => storage.Key).Order());
        Assert.Equal(["0", "1", "2"], pickle.Storages.Select(storage => storage.Key).Order());
    }

    [Fact]
    public void The_quantities_of_a_quantized_tensor_are_opaque()
    {
        var pickle = Read(Dict(("w", Call("torch._utils", "_rebuild_qtensor", Storage(Text("0"), 12, "torch\nQInt8Storage"), Int(0), Ints(12), Ints(1)))));
        Assert.Empty(pickle.Tensors);
        Assert.Equal(["0"], pickle.OpaqueStorages.Select(storage => storage.Key));
    }

    [Fact]
    public void Module_paths_are_the_keys_of_metadata()
    {
        const string ordered = "ccollections\nOrderedDict\n)R";
        var modules = ordered + "(" + Text("") + "}" + Text("transformer.h.0.attn.attn") + "}u";
        var pickle = Read(Dict(("model", ordered + "(" + Text("transformer.h.0.attn.attn.weight") + Matrix + "u" + "}" + Text("_metadata") + modules + "sb")));
        var tensor = Assert.Single(pickle.Tensors);
        Assert.Equal(["", "transformer.h.0.attn.attn"], tensor.Container.ModulePaths.Select(path => path.Text));
        Assert.All(tensor.Container.ModulePaths, path => Assert.Equal(NameRole.ModulePath, path.Role), throwIfEmpty: true);
        Assert.Equal("model", tensor.Container.Path);
    }

    [Fact]
    public void Names_and_module_paths_are_renamed_where_they_stand()
    {
        const string ordered = "ccollections\nOrderedDict\n)R";
        string Code(string name) => Dict(("model", ordered + "(" + Text($"{name}.weight") + Matrix + Text("other") + Text("attn.weight") + "u" + "}" + Text("_metadata") + ordered + "(" + Text(name) + "}usb"));
        var pickle = Read(Code("attn"));
        var container = pickle.Tensors[0].Container;
        var renames = new Dictionary<int, string> { [pickle.Tensors[0].Name!.Id] = "qkv.weight", [container.ModulePaths[0].Id] = "qkv" };
        Assert.Equal(TorchCode.Pickle(Code("qkv").Replace(Text("other") + Text("qkv.weight"), Text("other") + Text("attn.weight"), StringComparison.Ordinal)), pickle.Edit(renames, [], []));
        Assert.Null(pickle.Edit(new Dictionary<int, string>(), [], []));
    }

    [Fact]
    public void The_values_are_let_go_once_the_tensors_are_found()
    {
        var (pickle, root) = ReadAndForget();
        GC.Collect();
        Assert.False(root.IsAlive);
        Assert.Equal("w", Assert.Single(pickle.Tensors).Label);
    }

    /// <summary>In a method of its own, whose variables hold nothing once it has returned.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (TorchPickle Pickle, WeakReference Root) ReadAndForget()
    {
        var document = PickleMachine.Run(TorchCode.Pickle(Dict(("w", Matrix))));
        return (new TorchPickle(document, key => AnyFile.Storage(key, 0, 400)), new WeakReference(document.Root.Node));
    }

    /// <summary>Reads a pickle whose storages stand at 1000 bytes times their key, with 400 bytes each.</summary>
    internal static TorchPickle Read(string root) =>
        new(PickleMachine.Run(TorchCode.Pickle(root)), key => long.TryParse(key, out var number) ? AnyFile.Storage(key, number * 1000, 400) : null);
}
