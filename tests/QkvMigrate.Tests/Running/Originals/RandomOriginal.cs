using System.Text;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Pickles;
using QkvMigrate.Testing.Zips;
using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Running.Originals;

/// <summary>A legacy checkpoint that is put together by choices: how names are written and remembered, what stands around the tensors.</summary>
/// <param name="numbers">The choices, over and over.</param>
internal sealed class RandomOriginal(int[] numbers)
{
    private const string Weight = "transformer.h.0.attn.attn.weight";
    private const string Bias = "transformer.h.0.attn.attn.bias";

    private static readonly (string Name, long[] Shape)[] Tensors = [(Weight, [32, 3]), ("transformer.wte.weight", [7, 3]), (Bias, [32])];

    private readonly List<(int Slot, string Text)> remembered = [];
    private int at;
    private int slots;
    private int protocol = 2;

    /// <summary>The zip, or the form before 1.6.</summary>
    public byte[] Pickled(bool isBefore16)
    {
        protocol = 2 + Choice(4);
        var objects = PickleCode.Bytes($"\u0080{(char)protocol}{Root()}.");
        if (!isBefore16)
        {
            return Zip([("data.pkl", objects), .. Tensors.Select((tensor, key) => ($"data/{key}", Values(key, tensor.Shape))), ("version", "3\n"u8.ToArray())]);
        }

        return new TorchBefore16File
        {
            Objects = objects,
            Keys = Pickle(List(Tensors.Select((_, key) => Text($"{key}")))),
            Storages = [.. Tensors.SelectMany((tensor, key) => (byte[])[.. BitConverter.GetBytes(Count(tensor.Shape)), .. Values(key, tensor.Shape)])],
        }.Bytes();
    }

    /// <summary>A safetensors file: its header's order, white space, escapes and padding.</summary>
    public byte[] Safetensors()
    {
        var end = 0L;
        var entries = Tensors.Select(tensor =>
        {
            var start = end;
            end += Count(tensor.Shape) * sizeof(float);
            return $"{JsonName(tensor.Name)}:{Space()}{{\"dtype\":\"F32\",{Space()}\"shape\":[{string.Join(',', tensor.Shape)}],\"data_offsets\":[{start},{Space()}{end}]}}";
        }).ToList();
        if (Choice(2) == 0)
        {
            entries.Insert(Choice(entries.Count + 1), $"\"__metadata__\":{Space()}{{\"format\":\"pt\",\"note\":\"attn.attn \\u00e9\"}}");
        }

        var first = entries[0];
        if (Choice(2) == 0)
        {
            entries = [.. entries.Skip(1), first];
        }

        var header = $"{{{string.Join($",{Space()}", entries)}}}{new string(' ', Choice(20))}";
        return SafetensorsFile.Raw(header, [.. Tensors.SelectMany((tensor, key) => Values(key, tensor.Shape))]);
    }

    /// <summary>An index that names one file.</summary>
    public string Index(string file) =>
        $"{{{Space()}\"metadata\":{Space()}{{\"total_size\":{Space()}{Tensors.Sum(tensor => Count(tensor.Shape)) * sizeof(float)}}},{Space()}\"weight_map\":{Space()}{{"
        + string.Join($",{Space()}", Tensors.Select(tensor => $"{JsonName(tensor.Name)}{Space()}:{Space()}\"{file}\""))
        + $"{Space()}}}{Space()}}}{Space()}";

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);

    private static byte[] Values(int key, long[] shape) =>
        [.. Enumerable.Range(0, (int)Count(shape)).SelectMany(i => BitConverter.GetBytes((key * 1000) + i + 0.5f))];

    private int Choice(int count) => numbers[at++ % numbers.Length] % count;

    private string Space() => Choice(4) switch { 0 => " ", 1 => "\n  ", 2 => "\t", _ => "" };

    /// <summary>A name as JSON, some of it escaped.</summary>
    private string JsonName(string name) => Choice(4) switch
    {
        0 => $"\"\\u{(int)name[0]:x4}{name[1..]}\"",
        1 => $"\"{name.Replace(".attn.attn.", ".attn.\\u0061ttn.", StringComparison.Ordinal)}\"",
        _ => $"\"{name}\"",
    };

    private string Root()
    {
        // In the order of the file: what is remembered later cannot be fetched before.
        var model = Choice(2) == 0 ? Said("model") : null;
        var entries = Tensors.Select((tensor, key) =>
        {
            var name = Said(tensor.Name);
            var strides = tensor.Shape.Length == 2 ? [tensor.Shape[1], 1] : new long[] { 1 };
            return name + Tensor(Storage(Said($"{key}"), Count(tensor.Shape)), 0, tensor.Shape, strides);
        }).ToList();
        var label = Said("names");
        var names = List(Enumerable.Range(0, Choice(5)).Select(_ => Said(Tensors[Choice(Tensors.Length)].Name)).ToList());
        return model is null
            ? $"}}({string.Concat(entries)}{label}{names}u"
            : $"}}({model}}}({string.Concat(entries)}u{label}{names}{Said("note")}{Said("attn.attn stays")}u";
    }

    /// <summary>A string: fetched where it was remembered, or written, and remembered or not.</summary>
    private string Said(string text)
    {
        var known = remembered.Where(one => one.Text == text).ToList();
        if (known.Count > 0 && Choice(3) > 0)
        {
            var slot = known[Choice(known.Count)].Slot;
            return Choice(3) switch { 0 => $"h{(char)slot}", 1 => $"j{Four(slot)}", _ => $"g{slot}\n" };
        }

        var written = protocol >= 4 && Choice(2) == 0 ? $"\u008c{(char)text.Length}{text}" : Text(text);
        return written + Remember(text);
    }

    private string Remember(string text)
    {
        var form = Choice(protocol >= 4 ? 5 : 4);
        if (form == 0)
        {
            return "";
        }

        var slot = slots++;
        remembered.Add((slot, text));
        return form switch { 1 => $"q{(char)slot}", 2 => $"r{Four(slot)}", 3 => $"p{slot}\n", _ => "\u0094" };
    }

    private static string Four(int number) => Encoding.Latin1.GetString(BitConverter.GetBytes(number));

    private byte[] Zip(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        var image = new ZipImage();
        foreach (var (name, bytes) in entries)
        {
            image.Add(new ZipPart($"archive/{name}", bytes)
            {
                LocalExtra = Choice(3) == 0 ? [] : PyTorchZip.Padding(Choice(70)),
                Descriptor = Choice(3) switch { 0 => ZipDescriptor.None, 1 => ZipDescriptor.SignedNarrow, _ => ZipDescriptor.Narrow },
                CentralComment = Choice(4) == 0 ? "a comment" : "",
            });
        }

        return image.End(new ZipTail { Zip64 = Choice(2) == 0, Comment = Choice(3) == 0 ? "of the whole" : "" }).ToArray();
    }
}
