using System.Text.Json;
using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>Reads a record of this tool's, byte by byte as it is written: nothing stands in it that no record has.</summary>
internal static class RecordFile
{
    private const int MaximumBytes = 64 << 20;

    /// <summary>The record, or null where the file is none; that is told.</summary>
    /// <param name="path">The file.</param>
    /// <param name="place">How reports name it.</param>
    /// <param name="form">What it may say.</param>
    /// <param name="log">Takes what is wrong.</param>
    public static JsonDocument? Read(string path, string place, RecordForm form, DifferenceLog log)
    {
        JsonDocument? record = null;
        try
        {
            var bytes = SourceFile.ReadAll(path, MaximumBytes, "a record");
            record = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (Problem(record.RootElement, bytes, form) is not { } problem)
            {
                return record;
            }

            log.Add(place, problem);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The second is what JsonElement says of half a surrogate pair.
            log.Add(place, "it is no JSON, or has a name twice");
        }
        catch (MigrationException error)
        {
            log.Add(place, error.Problem);
        }

        record?.Dispose();
        return null;
    }

    private static string? Problem(JsonElement root, ReadOnlySpan<byte> bytes, RecordForm form) =>
        root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("schemaVersion", out _) ? "it is no record of qkvmigrate"
        : form.StrangerIn(root) is { } stranger ? $"it has '{stranger}', which no such record of qkvmigrate's has"
        : !IsWrittenAs(root, bytes, form) ? "it is not written as qkvmigrate writes records: there are other bytes between its words"
        : null;

    /// <summary>Records are indented, with nothing but one line's end behind them.</summary>
    private static bool IsWrittenAs(JsonElement root, ReadOnlySpan<byte> bytes, RecordForm form)
    {
        using var written = new MemoryStream(bytes.Length);
        using (var writer = new Utf8JsonWriter(written, new JsonWriterOptions { Indented = true, Encoder = form.Encoder }))
        {
            root.WriteTo(writer);
        }

        written.WriteByte((byte)'\n');
        return bytes.SequenceEqual(written.GetBuffer().AsSpan(0, (int)written.Length));
    }
}
