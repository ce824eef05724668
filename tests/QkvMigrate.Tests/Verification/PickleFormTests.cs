using System.Text;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Verification;
using Xunit;

namespace QkvMigrate.Tests.Verification;

/// <summary>Instructions that say the same in another form, which <c>torch.load(weights_only=True)</c> may not know, or which carry bytes that nobody reads.</summary>
public sealed class PickleFormTests : IDisposable
{
    private const string NewKey = "transformer.h.0.attn.qkv.weight";

    private static readonly byte[] Legacy = LegacyModel.Legacy.ToFile();

    private readonly VerifiedPair upgrade = new(Legacy, LegacyModel.Geometry);
    private readonly VerifiedPair downgrade;

    public PickleFormTests() => downgrade = new VerifiedPair(upgrade.Upgraded, LegacyModel.Geometry, direction: MigrationDirection.Downgrade);

    /// <summary>What stands in the pickle of an upgrade, and what may not stand in its place.</summary>
    public static TheoryData<string, string> ForeignForms => new()
    {
        { Long(NewKey), Short(NewKey) },
        { Long(NewKey), $"\u008d{(char)NewKey.Length}\0\0\0\0\0\0\0{NewKey}" },
        { Long(NewKey), $"V{NewKey}\n" },
        { Long(NewKey), $"U{(char)NewKey.Length}{NewKey}" },
        { Long(NewKey), $"{Long(NewKey)}q\u00fe" },
        { Long(NewKey), $"N0{Long(NewKey)}" },
        { "\u0080\u0002", "\u0080\u0004" },
        { "\u0080\u0002", "\u0080\u0002\u0080\u0002" },
        { "\u0080\u0002}", "\u0080\u0002\u0095\u0001\0\0\0\0\0\0\0}" },
        { Long("step"), Short("step") },
        { "J\u00e0.\0\0", "M\u00e0." },
        { "](h\0", "](g0\n" },
        { "u.", "u.." },
        { "u.", "u.hidden" },
        { "u.", "u0}." },
    };

    public void Dispose()
    {
        upgrade.Dispose();
        downgrade.Dispose();
    }

    [Theory]
    [MemberData(nameof(ForeignForms))]
    public void Another_form_is_named(string form, string other)
    {
        Assert.Empty(upgrade.Verify(upgrade.Upgraded).Differences);

        var report = upgrade.Verify(Edited(upgrade.Upgraded, form, other));

        Assert.False(report.IsVerified);
        Assert.NotEmpty(report.Differences);
    }

    [Theory]
    [InlineData("h\u0001h", "g1\nh")]
    [InlineData("h\u0001h", "j\u0001\0\0\0h")]
    [InlineData("h\u0001h", "g01\nh")]
    public void A_fetch_that_the_downgrade_brings_back_has_one_form(string form, string other)
    {
        Assert.Equal(Legacy, downgrade.Upgraded);
        Assert.Empty(downgrade.Verify(downgrade.Upgraded).Differences);

        Assert.NotEmpty(downgrade.Verify(Edited(downgrade.Upgraded, form, other)).Differences);
    }

    [Theory]
    [InlineData(2, 200, 197, nameof(PickleOpcode.BinUnicode), nameof(PickleOpcode.BinUnicode))]
    [InlineData(2, 258, 255, nameof(PickleOpcode.BinUnicode), nameof(PickleOpcode.BinUnicode))]
    [InlineData(4, 200, 197, nameof(PickleOpcode.ShortBinUnicode), nameof(PickleOpcode.ShortBinUnicode))]
    [InlineData(4, 200, 197, nameof(PickleOpcode.BinUnicode), nameof(PickleOpcode.BinUnicode))]
    [InlineData(4, 258, 255, nameof(PickleOpcode.BinUnicode), nameof(PickleOpcode.ShortBinUnicode))]
    [InlineData(4, 255, 258, nameof(PickleOpcode.ShortBinUnicode), nameof(PickleOpcode.BinUnicode))]
    [InlineData(5, 258, 256, nameof(PickleOpcode.BinUnicode), nameof(PickleOpcode.BinUnicode))]
    [InlineData(4, 258, 255, nameof(PickleOpcode.BinUnicode8), nameof(PickleOpcode.BinUnicode8))]
    [InlineData(2, 258, 255, nameof(PickleOpcode.BinString), nameof(PickleOpcode.ShortBinString))]
    [InlineData(1, 255, 258, nameof(PickleOpcode.ShortBinString), nameof(PickleOpcode.BinString))]
    [InlineData(1, 200, 197, nameof(PickleOpcode.BinString), nameof(PickleOpcode.BinString))]
    public void A_new_text_has_one_form_and_the_writer_gives_it(int protocol, int oldLength, int length, string oldForm, string newForm)
    {
        var (before, expected) = (Enum.Parse<PickleOpcode>(oldForm), Enum.Parse<PickleOpcode>(newForm));
        PickleOpcode[] all =
        [
            PickleOpcode.BinUnicode, PickleOpcode.ShortBinUnicode, PickleOpcode.BinUnicode8, PickleOpcode.BinString, PickleOpcode.ShortBinString,
            PickleOpcode.Unicode, PickleOpcode.String,
        ];
        var (old, now) = (new byte[oldLength], new byte[length]);

        Assert.Equal([expected], all.Where(after => PickleForms.IsText(new(before, 0, 0, 0, 0), old, new(after, 0, 0, 0, 0), now, protocol)));
        Assert.Equal((byte)expected, PickleText.Encode(before, oldLength, protocol, new string('a', length))[0]);
    }

    [Theory]
    [InlineData(0, 7, "I7\n")]
    [InlineData(0, 3000000000, "L3000000000L\n")]
    [InlineData(2, 0, "K\0")]
    [InlineData(2, 255, "K\u00ff")]
    [InlineData(2, 256, "M\0\u0001")]
    [InlineData(4, 65535, "M\u00ff\u00ff")]
    [InlineData(2, 65536, "J\0\0\u0001\0")]
    [InlineData(2, 2147483648, "\u008a\u0005\0\0\0\u0080\0")]
    public void A_new_int_has_one_form_and_the_writer_gives_it(int protocol, long value, string form)
    {
        var wide = BitConverter.GetBytes(value);
        List<byte[]> forms =
        [
            [(byte)'K', (byte)value],
            [(byte)'M', .. wide[..2]],
            [(byte)'J', .. wide[..4]],
            [0x8a, 8, .. wide],
            [0x8a, 5, .. wide[..5]],
            [0x8b, 8, 0, 0, 0, .. wide],
            .. new[] { $"I{value}\n", $"I0{value}\n", $"I+{value}\n", $"I {value}\n", $"L{value}L\n", $"L{value}\n", $"L0{value}L\n" }.Select(Bytes),
        ];
        var right = forms.Where(code =>
        {
            var reader = new PickleReader(code);
            var at = reader.Read(0);
            return PickleNumbers.Read(at, reader.Argument(at)) is PickleInteger { Value: var read }
                && read == value
                && PickleForms.IsInteger(at, reader.Argument(at), value, protocol);
        });

        // Protocols 0 and 1 look alike: both have their way.
        Assert.Contains(Bytes(form), right);
        Assert.True(protocol == 0 || right.Count() == 1);
        Assert.Equal(Bytes(form), PickleNumbers.Encode(protocol, value));
    }

    [Theory]
    [InlineData("attn.attn.weight", "attn.qkv.weight", true)]
    [InlineData("\\u0061ttn.attn.weight", "\\u0061ttn.qkv.weight", true)]
    [InlineData("attn.attn.weight", "\\u0061ttn.qkv.weight", false)]
    [InlineData("attn.attn.weight", "attn.q\\u006bv.weight", false)]
    [InlineData("attn.attn.wei\\u0067ht", "attn.qkv.wei\\u0067ht", true)]
    public void A_change_of_a_text_with_escapes_brings_no_new_one(string old, string now, bool isPlain) =>
        Assert.Equal(isPlain, PickleForms.IsPlainChange(Bytes(old), Bytes(now)));

    private static byte[] Edited(byte[] zip, string form, string other)
    {
        var (found, isDone) = (Bytes(form), false);
        var edited = ZipRelay.Lay(zip, part =>
        {
            var at = part.Name == "archive/data.pkl" ? part.Content.AsSpan().IndexOf(found) : -1;
            isDone |= at >= 0;
            return at < 0 ? part : part with { Content = [.. part.Content[..at], .. Bytes(other), .. part.Content[(at + found.Length)..]] };
        });
        Assert.True(isDone);
        return edited;
    }

    private static string Long(string text) => $"X{(char)text.Length}\0\0\0{text}";

    private static string Short(string text) => $"\u008c{(char)text.Length}{text}";

    private static byte[] Bytes(string code) => Encoding.Latin1.GetBytes(code);
}
