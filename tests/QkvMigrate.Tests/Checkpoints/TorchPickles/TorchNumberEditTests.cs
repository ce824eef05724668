using QkvMigrate.Checkpoints.Rewriting;
using QkvMigrate.Checkpoints.TorchPickles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Tests.Support;
using Xunit;
using static QkvMigrate.Testing.Pickles.TorchCode;
using static QkvMigrate.Tests.Checkpoints.TorchPickles.TorchPickleTests;

namespace QkvMigrate.Tests.Checkpoints.TorchPickles;

/// <summary>Storages that get other bytes, and tensors that see them in other sizes.</summary>
public sealed class TorchNumberEditTests
{
    [Fact]
    public void The_counts_sizes_and_strides_are_the_new_ones()
    {
        string Code(string name, string count, string offset, string shape, string strides) => Dict(
            (name, Call("torch._utils", "_rebuild_tensor_v2", Tuple(Text("storage"), "ctorch\nFloatStorage\n", Text("0"), Text("cpu"), count) + "Q", offset, shape, strides, "\u0089", "N")),
            ("other", Tensor(Storage(Text("1"), 12), 1, [3, 2], [2, 1])));
        var pickle = Read(Code("lora_A", "K\u000c", "K\u0000", "K\u0003K\u0004\u0086", "K\u0004K\u0001\u0086"));
        var tensor = pickle.Tensors[0];
        var edited = pickle.Edit(
            new Dictionary<int, string> { [tensor.Name!.Id] = "renamed" },
            [new StorageReplacement(tensor.Storage, new Zeros(70_000 * 4), [new TensorPlacement(tensor, 5, [300, 200], [200, 1])])],
            []);
        Assert.Equal(
            TorchCode.Pickle(Code("renamed", "J\u0070\u0011\u0001\u0000", "K\u0005", "M\u002c\u0001K\u00c8\u0086", "K\u00c8K\u0001\u0086")),
            edited);
    }

    [Theory]
    [InlineData(12L)]
    [InlineData(255L)]
    [InlineData(256L)]
    [InlineData(65_535L)]
    [InlineData(65_536L)]
    [InlineData(int.MaxValue)]
    [InlineData(1L + int.MaxValue)]
    [InlineData(long.MaxValue / 4)]
    public void Numbers_of_every_size_are_written(long count)
    {
        var pickle = Read(Dict(("w", Tensor(Storage(Text("0"), 12), 0, [12], [1]))));
        var tensor = pickle.Tensors[0];
        var edited = pickle.Edit(new Dictionary<int, string>(), [new StorageReplacement(tensor.Storage, new Zeros(count * 4), [new TensorPlacement(tensor, 0, [count], [1])])], []);
        var again = new TorchPickle(PickleMachine.Run(edited), key => AnyFile.Storage(key, 0, count * 4));
        Assert.Equal([count], Assert.Single(again.Tensors).Shape);
    }

    [Fact]
    public void A_tensor_whose_numbers_another_one_shares_is_refused()
    {
        // The second tensor fetches the first one's sizes from the memo.
        var shared = Call("torch._utils", "_rebuild_tensor_v2", Storage(Text("0"), 12), Int(0), Ints(3, 4) + "q\u0001", Ints(4, 1), "\u0089", "N");
        var fetching = Call("torch._utils", "_rebuild_tensor_v2", Storage(Text("1"), 100), Int(0), "h\u0001", Ints(4, 1), "\u0089", "N");
        AssertRefused(shared, fetching, new Zeros(24 * 4), [6, 4], "tensor 'b': the pickle shares the numbers of its size with another tensor, which must not change with it");
    }

    [Fact]
    public void A_tensor_that_would_reach_out_of_its_storage_is_refused()
    {
        var one = Tensor(Storage(Text("0"), 12), 0, [3, 4], [4, 1]);
        var two = Tensor(Storage(Text("0"), 12), 0, [12], [1]);
        AssertRefused(one, two, new Zeros(8 * 4), [2, 4], "tensor 'a': the pickle shares the numbers of its size with another tensor, which must not change with it");
    }

    [Fact]
    public void A_view_has_as_many_dimensions_as_its_tensor()
    {
        var pickle = Read(Dict(("w", Tensor(Storage(Text("0"), 12), 0, [3, 4], [4, 1]))));
        var tensor = pickle.Tensors[0];
        var refused = Assert.Throws<ArgumentException>(() => pickle.Edit(new Dictionary<int, string>(), [new StorageReplacement(tensor.Storage, new Zeros(48), [new TensorPlacement(tensor, 0, [12], [1])])], []));
        Assert.Equal("tensor 'w' has 2 dimensions, not 1 (Parameter 'replacements')", refused.Message);
    }

    private static void AssertRefused(string first, string second, Zeros bytes, long[] shape, string message)
    {
        var pickle = Read(Dict(("a", first), ("b", second)));
        var tensor = pickle.Tensors[0];
        var refused = Assert.Throws<MigrationException>(() => pickle.Edit(new Dictionary<int, string>(), [new StorageReplacement(tensor.Storage, bytes, [new TensorPlacement(tensor, 0, shape, [4, 1])])], []));
        Assert.Equal(message, refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    private sealed class Zeros(long length) : ComputedBytes
    {
        public override long Length => length;

        public override IReadOnlyList<SourceFile> Sources => [];

        public override void Compute(Action<ReadOnlySpan<byte>> emit, CancellationToken cancellation) => emit(new byte[length]);
    }
}
