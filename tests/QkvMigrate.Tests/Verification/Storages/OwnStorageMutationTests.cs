using System.Buffers.Binary;
using System.Text;
using CsCheck;
using QkvMigrate.Checkpoints;
using QkvMigrate.Checkpoints.TorchBefore16;
using QkvMigrate.Checkpoints.TorchZip;
using QkvMigrate.Pickling;
using QkvMigrate.Testing.Zips;
using QkvMigrate.Tests.Support;
using Xunit;

namespace QkvMigrate.Tests.Verification.Storages;

/// <summary>Changes one thing in right upgrades with storages of their own; none may pass, and each is named.</summary>
[Trait("Category", "Slow")]
public sealed class OwnStorageMutationTests
{
    public static TheoryData<bool> Formats => [false, true];

    [Theory]
    [MemberData(nameof(Formats))]
    public void One_bit_of_any_tensor_is_named(bool isBefore16)
    {
        using var pair = Make(isBefore16);
        foreach (var storage in Storages(pair))
        {
            for (var at = 0; at < storage.Length; at += 37)
            {
                var (offset, bit) = ((int)storage.Offset + at, 1 << (at % 8));
                Named(pair, Edit(pair.Upgraded, offset, bytes => bytes[0] ^= (byte)bit, 1), $"bit {bit} of byte {at} of storage {storage.Key}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Two_heads_that_changed_places_are_named(bool isBefore16)
    {
        using var pair = Make(isBefore16);
        foreach (var storage in Storages(pair).Where(storage => storage.Length >= 32 * 16))
        {
            var head = (int)storage.Length / 8;
            for (var at = 0; at + (2 * head) <= storage.Length; at += head)
            {
                var changed = Edit(pair.Upgraded, (int)storage.Offset + at, bytes => ((byte[])[.. bytes[head..], .. bytes[..head]]).CopyTo(bytes, 0), 2 * head);
                Named(pair, changed, $"heads from byte {at} of storage {storage.Key}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Any_number_of_the_pickle_that_changed_is_named(bool isBefore16)
    {
        using var pair = Make(isBefore16);
        var (start, script) = Objects(pair);
        var numbers = Instructions(new PickleReader(script.Bytes), script).Where(at => at.Opcode is PickleOpcode.BinInt or PickleOpcode.BinInt1 or PickleOpcode.BinInt2).ToList();
        Assert.NotEmpty(numbers);
        foreach (var number in numbers)
        {
            foreach (var change in (byte[])[1, 4, 0xff])
            {
                Named(pair, Edit(pair.Upgraded, start + number.ArgumentOffset, bytes => bytes[0] += change, 1), $"{change} more at byte {number.Offset} of the pickle");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Any_storage_that_another_tensor_looks_into_is_named(bool isBefore16)
    {
        using var pair = Make(isBefore16);
        var (start, script) = Objects(pair);
        var reader = new PickleReader(script.Bytes);
        var keys = Storages(pair).Select(storage => storage.Key).ToList();
        var places = script.Strings.Where(text => keys.Contains(text.Text)).ToList();
        Assert.NotEmpty(places);
        foreach (var (place, key) in places.SelectMany(place => keys.Append("9").Where(key => key != place.Text).Select(key => (place, key))))
        {
            var argument = reader.Read(place.Offset).ArgumentOffset;
            Named(pair, Edit(pair.Upgraded, start + argument, bytes => Encoding.ASCII.GetBytes(key).CopyTo(bytes, 0), 1), $"storage {key} in place of {place.Text}");
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_random_change_of_what_a_random_model_loads_is_named(bool isBefore16) => Gen.Select(SharedModel.Models, Gen.Int[0, 3], Gen.Int[0, 1 << 20], Gen.Int[0, 7]).Sample(
        (model, kind, place, bit) =>
        {
            using var pair = new VerifiedPair(isBefore16 ? model.ToFileBefore16() : model.ToFile(), SharedModel.Geometry);
            Assert.Empty(pair.Verify().Differences);
            var (start, script) = Objects(pair);
            var reader = new PickleReader(script.Bytes);
            if (kind == 0)
            {
                var numbers = Instructions(reader, script).Where(instruction => instruction.Opcode is PickleOpcode.BinInt or PickleOpcode.BinInt1).ToList();
                var number = numbers[place % numbers.Count];
                Named(pair, Edit(pair.Upgraded, start + number.ArgumentOffset, bytes => bytes[0] ^= (byte)(1 << bit), 1), $"the number at {number.Offset}");
            }
            else if (kind == 1)
            {
                var text = script.Strings[place % script.Strings.Count];
                var argument = reader.Read(text.Offset);
                Named(pair, Edit(pair.Upgraded, start + argument.ArgumentOffset + (place % argument.ArgumentLength), bytes => bytes[0] ^= (byte)(1 << (bit % 7)), 1), $"'{text.Text}'");
            }
            else
            {
                var elements = Elements(pair);
                Named(pair, Edit(pair.Upgraded, (int)elements[place % elements.Count], bytes => bytes[0] ^= (byte)(1 << bit), 1), $"bit {bit} of element {place}");
            }
        },
        iter: 100,
        threads: 1);

    [Fact]
    public void A_size_or_a_key_of_the_list_before_1_6_that_changed_is_named()
    {
        using var pair = Make(isBefore16: true);
        using var upgraded = (TorchBefore16Checkpoint)Checkpoint.Open(pair.UpgradedPath);
        var list = (int)upgraded.ObjectsEnd;
        for (var at = list; at < list + upgraded.Keys.Bytes.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                Named(pair, Edit(pair.Upgraded, at, bytes => bytes[0] ^= (byte)(1 << bit), 1), $"bit {bit} of byte {at - list} of the list of keys");
            }
        }

        foreach (var storage in upgraded.Storages.Values)
        {
            foreach (var change in (long[])[1, -1, 1 << 20])
            {
                var changed = Edit(pair.Upgraded, (int)storage.Offset - sizeof(long), bytes => BinaryPrimitives.WriteInt64LittleEndian(bytes, BinaryPrimitives.ReadInt64LittleEndian(bytes) + change), sizeof(long));
                Named(pair, changed, $"{change} more elements in storage {storage.Key}");
            }
        }
    }

    [Fact]
    public void A_storage_that_is_left_over_or_missing_or_elsewhere_is_named()
    {
        using var pair = Make(isBefore16: false);
        var entries = ZipSurgery.Entries(pair.Upgraded).ConvertAll(entry => (entry.Name, Bytes: ZipSurgery.Bytes(pair.Upgraded, entry)));
        Assert.True(pair.Verify(TorchFile.Write(entries)).IsVerified);
        var original = File.ReadAllBytes(pair.OriginalPath);
        var gone = ZipSurgery.Find(original, "archive/data/2");
        Named(pair, TorchFile.Write([.. entries, (gone.Name, ZipSurgery.Bytes(original, gone))]), "the storage that is used no more, behind all");
        Named(pair, TorchFile.Write([.. entries, ("archive/data/99", new byte[8])]), "a new storage that no tensor looks into");
        for (var i = 0; i < entries.Count; i++)
        {
            Named(pair, TorchFile.Write([.. entries[..i], .. entries[(i + 1)..]]), $"without {entries[i].Name}");
            Named(pair, TorchFile.Write([.. entries[..i], (entries[i].Name, (byte[])[.. entries[i].Bytes, 0]), .. entries[(i + 1)..]]), $"{entries[i].Name} with a byte more");
            if (i > 0 && !(IsNew(entries[i].Name) && IsNew(entries[i - 1].Name)))
            {
                Named(pair, TorchFile.Write([.. entries[..(i - 1)], entries[i], entries[i - 1], .. entries[(i + 1)..]]), $"{entries[i].Name} before {entries[i - 1].Name}");
            }
        }

        bool IsNew(string name) => ZipSurgery.Entries(original).TrueForAll(entry => entry.Name != name);
    }

    private static VerifiedPair Make(bool isBefore16)
    {
        var pair = new VerifiedPair(isBefore16 ? SharedModel.WithProbe.ToFileBefore16() : SharedModel.WithProbe.ToFile(), SharedModel.Geometry);
        Assert.Empty(pair.Verify().Differences);
        return pair;
    }

    private static List<StorageEntry> Storages(VerifiedPair pair)
    {
        using var checkpoint = Checkpoint.Open(pair.UpgradedPath);
        return [.. checkpoint.Tensors.Select(tensor => tensor.Storage).DistinctBy(storage => storage.Key)];
    }

    private static (int Start, PickleScript Script) Objects(VerifiedPair pair)
    {
        using var checkpoint = Checkpoint.Open(pair.UpgradedPath);
        return checkpoint is TorchZipCheckpoint zip
            ? ((int)zip.PickleEntry.DataOffset, zip.Pickle)
            : ((int)((TorchBefore16Checkpoint)checkpoint).ObjectsStart, ((TorchBefore16Checkpoint)checkpoint).Objects);
    }

    private static IEnumerable<PickleInstruction> Instructions(PickleReader reader, PickleScript script)
    {
        for (var at = 0; at < script.Bytes.Length;)
        {
            var instruction = reader.Read(at);
            yield return instruction;
            at = instruction.End;
        }
    }

    /// <summary>Where the bytes stand that a tensor looks at.</summary>
    private static List<long> Elements(VerifiedPair pair)
    {
        using var checkpoint = Checkpoint.Open(pair.UpgradedPath);
        return [.. checkpoint.Tensors.SelectMany(tensor => RandomViews.Bytes(tensor).Select(at => tensor.Storage.Offset + at))];
    }

    /// <summary>The file with some bytes changed, and in a zip the checksum of what they stand in.</summary>
    private static byte[] Edit(byte[] file, int offset, Action<byte[]> change, int length)
    {
        var bytes = file[offset..(offset + length)];
        change(bytes);
        if (file is not [(byte)'P', (byte)'K', ..])
        {
            return [.. file[..offset], .. bytes, .. file[(offset + length)..]];
        }

        var entry = ZipSurgery.Entries(file).Single(entry => offset >= entry.Start && offset < entry.Start + entry.Length);
        return ZipSurgery.Edit(file, entry, content => bytes.CopyTo(content, offset - entry.Start));
    }

    private static void Named(VerifiedPair pair, byte[] changed, string change)
    {
        var report = pair.Verify(changed);
        Assert.False(report.IsVerified, change);
        Assert.NotEmpty(report.Differences);
    }
}
