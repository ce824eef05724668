using System.Text.Json;
using QkvMigrate.Checkpoints.JsonTexts;

namespace QkvMigrate.Checkpoints.Safetensors;

/// <summary>
/// Reads the JSON of a header. Fields of a tensor that the format does not name are passed over, as the reference
/// implementation does; a key that stands twice is refused, because readers differ in which one they take. All that is
/// kept, names of metadata and of such fields too, is paid for from a <see cref="DirectoryBudget"/>.
/// </summary>
internal static class SafetensorsHeaderParser
{
    private const string Metadata = "__metadata__";

    /// <summary>More dimensions than any tensor has.</summary>
    private const int MaximumRank = 64;

    /// <summary>What is made of a tensor besides its names, here and by <see cref="SafetensorsCheckpoint"/>: its entries, numbers, places in lists.</summary>
    private const int TensorBytes = 640;

    /// <summary>Reads from the start to the end of the root.</summary>
    /// <exception cref="MigrationException">A value is not what the format says, or <paramref name="budget"/> is spent.</exception>
    /// <exception cref="JsonException">The text is no JSON.</exception>
    /// <exception cref="InvalidOperationException">A string is not Unicode.</exception>
    public static List<SafetensorsTensor> Read(ref Utf8JsonReader reader, DirectoryBudget budget)
    {
        var tensors = new List<SafetensorsTensor>();
        var names = new HashSet<string>();
        reader.Read();
        while (NextKey(ref reader, names, out var key))
        {
            budget.Spend(TensorBytes + DirectoryBudget.Name(key.Text.Length));
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw Unexpected(reader, $"the value of '{key.Text}' is no dict");
            }

            if (key.Text == Metadata)
            {
                ReadMetadata(ref reader, budget);
            }
            else
            {
                tensors.Add(ReadTensor(ref reader, key, budget));
            }
        }

        return tensors;
    }

    private static bool NextKey(ref Utf8JsonReader reader, HashSet<string> names, out JsonKey key)
    {
        key = default;
        reader.Read();
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            return false;
        }

        key = JsonKey.At(ref reader);
        return names.Add(key.Text) ? true : throw Unexpected(reader, $"the key '{key.Text}' stands twice");
    }

    private static void ReadMetadata(ref Utf8JsonReader reader, DirectoryBudget budget)
    {
        var names = new HashSet<string>();
        while (NextKey(ref reader, names, out var key))
        {
            budget.Spend(DirectoryBudget.Name(key.Text.Length));
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Unexpected(reader, $"the value of '{key.Text}' in {Metadata} is no string");
            }
        }
    }

    private static SafetensorsTensor ReadTensor(ref Utf8JsonReader reader, JsonKey name, DirectoryBudget budget)
    {
        string? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        var fields = new HashSet<string>();
        while (NextKey(ref reader, fields, out var field))
        {
            reader.Read();
            switch (field.Text)
            {
                case "dtype":
                    dtype = reader.TokenType == JsonTokenType.String
                        ? reader.GetString()
                        : throw Unexpected(reader, $"the dtype of '{name.Text}' is no string");
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, $"the shape of '{name.Text}'");
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(ref reader, $"the data_offsets of '{name.Text}'");
                    break;
                default:
                    budget.Spend(DirectoryBudget.Name(field.Text.Length));
                    reader.Skip();
                    break;
            }
        }

        if (dtype is null || shape is null || offsets is not [var begin, var end])
        {
            throw SafetensorsFailure.Tensor(name.Text, "expected dtype, shape and two data_offsets");
        }

        return new SafetensorsTensor(name, dtype, shape, begin, end);
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader reader, string what)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Unexpected(reader, $"{what} is no list");
        }

        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                throw Unexpected(reader, $"{what} has something else than integers from 0 on");
            }

            if (numbers.Count == MaximumRank)
            {
                throw Unexpected(reader, $"{what} has more than {MaximumRank} numbers");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static MigrationException Unexpected(in Utf8JsonReader reader, string problem) =>
        SafetensorsFailure.Header(reader.TokenStartIndex, problem);
}
