using QkvMigrate.Testing.Pickles;

namespace QkvMigrate.Testing.Checkpoints;

/// <summary>
/// Writes the pre-1.6 format by hand, in the protocol 2 that <c>torch.save</c> used: every part can be replaced by a wrong
/// one. The right file holds <c>{"attn.attn.bias": uint8[8], "x": uint8[1]}</c>.
/// </summary>
internal sealed record TorchBefore16File
{
    /// <summary><c>pickle.dumps(0x1950a86a20f9469cfc6c, 2)</c>.</summary>
    public byte[] Magic { get; init; } = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    /// <summary><c>pickle.dumps(1001, 2)</c>.</summary>
    public byte[] Protocol { get; init; } = [0x80, 2, (byte)'M', 0xe9, 3, (byte)'.'];

    /// <summary><c>pickle.dumps({}, 2)</c>: <c>torch.load</c> does not look into it.</summary>
    public byte[] SystemInformation { get; init; } = [0x80, 2, (byte)'}', (byte)'.'];

    /// <summary>The pickle of the objects, or null for the one that this class speaks of.</summary>
    public byte[]? Objects { get; init; }

    /// <summary>The name of the first tensor.</summary>
    public string Name { get; init; } = "attn.attn.bias";

    /// <summary>The persistent id of the first tensor's storage, without its mark and its TUPLE.</summary>
    public byte[] FirstStorage { get; init; } = Storage("70", 8, [(byte)'N']);

    /// <summary>The list of keys.</summary>
    public byte[] Keys { get; init; } = [0x80, 2, (byte)']', (byte)'(', .. Text("70"), .. Text("9"), (byte)'e', (byte)'.'];

    /// <summary>The storages: counts of eight bytes, and the elements.</summary>
    public byte[] Storages { get; init; } = [8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 1, 0, 0, 0, 0, 0, 0, 0, 99];

    /// <summary>Bytes before the object pickle.</summary>
    public int Start => Magic.Length + Protocol.Length + SystemInformation.Length;

    public byte[] Bytes() =>
    [
        .. Magic, .. Protocol, .. SystemInformation,
        .. Objects ?? [0x80, 2, (byte)'}', (byte)'(', .. Text(Name), .. Tensor(FirstStorage, 8), .. Text("x"), .. Tensor(Storage("9", 1, [(byte)'N']), 1), (byte)'u', (byte)'.'],
        .. Keys, .. Storages,
    ];

    /// <summary><c>'storage', torch.ByteStorage, key, 'cpu', count</c> and what follows it.</summary>
    public static byte[] Storage(string key, byte count, byte[] view) =>
        [.. Text("storage"), .. "ctorch\nByteStorage\n"u8, .. Text(key), .. Text("cpu"), (byte)'K', count, .. view];

    /// <summary>BINUNICODE.</summary>
    public static byte[] Text(string text) => PickleCode.Bytes(TorchCode.Text(text));

    private static byte[] Tensor(byte[] storage, byte count) =>
    [
        .. "ctorch._utils\n_rebuild_tensor_v2\n("u8, (byte)'(', .. storage, (byte)'t', (byte)'Q',
        (byte)'K', 0, (byte)'K', count, 0x85, (byte)'K', 1, 0x85, 0x89, (byte)'N', (byte)'t', (byte)'R',
    ];
}
