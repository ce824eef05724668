using System.Text;

namespace QkvMigrate.Testing.Pickles;

/// <summary>
/// Pickles as PyTorch writes them (torch/_tensor.py, <c>_reduce_ex_internal</c>; torch/serialization.py, <c>_save</c>),
/// put together from pieces of code that each push one value. A piece is text, a character for each byte.
/// </summary>
internal static class TorchCode
{
    private const string Hooks = "ccollections\nOrderedDict\n)R";

    public static byte[] Pickle(string root) => PickleCode.Bytes($"\u0080\u0002{root}.");

    public static string Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return $"X{Latin1(BitConverter.GetBytes(bytes.Length))}{Latin1(bytes)}";
    }

    public static string Int(long value) => value is >= int.MinValue and <= int.MaxValue
        ? $"J{Latin1(BitConverter.GetBytes((int)value))}"
        : $"\u008a\u0008{Latin1(BitConverter.GetBytes(value))}";

    public static string Tuple(params IEnumerable<string> items) => $"({string.Concat(items)}t";

    public static string List(params IEnumerable<string> items) => $"]({string.Concat(items)}e";

    public static string Ints(params IEnumerable<long> values) => Tuple(values.Select(Int));

    public static string Dict(params IEnumerable<(string Key, string Value)> entries) =>
        $"}}({string.Concat(entries.Select(entry => Text(entry.Key) + entry.Value))}u";

    public static string Call(string module, string name, params IEnumerable<string> arguments) => $"c{module}\n{name}\n{Tuple(arguments)}R";

    /// <summary>The persistent id of a storage; <paramref name="key"/> is code, for it is a string or an int.</summary>
    public static string Storage(string key, long count, string type = "torch\nFloatStorage") =>
        Tuple(Text("storage"), $"c{type}\n", key, Text("cpu"), Int(count)) + "Q";

    /// <summary>A tensor by <c>_rebuild_tensor_v2</c>.</summary>
    public static string Tensor(string storage, long offset, long[] shape, long[] strides) =>
        Call("torch._utils", "_rebuild_tensor_v2", Arguments(storage, offset, shape, strides));

    /// <summary>A tensor by <c>_rebuild_tensor_v3</c>, which names its dtype.</summary>
    public static string TensorV3(string storage, long offset, long[] shape, long[] strides, string dtype) =>
        Call("torch._utils", "_rebuild_tensor_v3", [.. Arguments(storage, offset, shape, strides), $"ctorch\n{dtype}\n"]);

    public static string Parameter(string tensor) => Call("torch._utils", "_rebuild_parameter", tensor, "\u0088", Hooks);

    /// <summary>Storage, offset, size, stride, requires_grad and hooks.</summary>
    public static string[] Arguments(string storage, long offset, long[] shape, long[] strides) =>
        [storage, Int(offset), Ints(shape), Ints(strides), "\u0089", Hooks];

    private static string Latin1(byte[] bytes) => Encoding.Latin1.GetString(bytes);
}
