using System.Text.Encodings.Web;
using System.Text.Json;

namespace QkvMigrate.Verification;

/// <summary>
/// The names of properties that a kind of record has, by the verifier's own table: what a record says besides is not this tool's. Texts are free.
/// </summary>
internal sealed class RecordForm
{
    private readonly Dictionary<string, RecordForm> properties;

    private RecordForm(string plain, params (string Name, RecordForm Form)[] nested)
    {
        properties = plain.Split(' ').ToDictionary(name => name, _ => Plain, StringComparer.Ordinal);
        foreach (var (name, form) in nested)
        {
            properties.Add(name, form);
        }
    }

    private RecordForm() => properties = [];

    /// <summary>A value, or a list of values.</summary>
    private static RecordForm Plain { get; } = new();

    /// <summary>What an output holds, as a whole. Earlier versions wrote <c>isOne</c> too, which said nothing.</summary>
    public static RecordForm Tree { get; } = new(
        "schemaVersion source direction isExport",
        ("units", new RecordForm("path bytes checkpoints")),
        ("root", new RecordForm("path device inode born isOne")));

    /// <summary>What a unit was made from, how, and what came out.</summary>
    public static RecordForm Manifest { get; } = new(
        "schemaVersion path state",
        ("options", new RecordForm(
            "direction headCount queryGroupCount headSize model configuration lora isLoraBefore900 loraAlpha dropOptimizer dropUnreferenced verification "
            + "maximumShardBytes dType")),
        ("source", new RecordForm("path bytes modified header")),
        ("result", new RecordForm("path bytes sha256 source link")),
        ("replaced", new RecordForm("path bytes sha256 source link")));

    /// <summary>What last became of a unit.</summary>
    public static RecordForm Report { get; } = new(
        "schemaVersion path",
        ("checkpoints", new RecordForm(
            "path status output format layout geometrySource tensorCount sourceBytes outputBytes outputSha256 configuration seconds modified sourceSha256",
            ("geometry", new RecordForm("headCount queryGroupCount headSize")),
            ("changes", new RecordForm("changedTensors reorderedTensors untouchedTensors outputBytes reorderedBytes copiedBytes")),
            ("advice", new RecordForm("code message isGeneral")),
            ("error", new RecordForm("kind problem file where offset")))));

    /// <summary>How a tree was dealt to parts.</summary>
    public static RecordForm Parts { get; } = new("schemaVersion count ended", ("units", new RecordForm("path bytes part isDone")));

    /// <summary>The backups in a directory.</summary>
    public static RecordForm Backups { get; } = new("schemaVersion", ("backups", new RecordForm("name bytes ends"))) { Encoder = JavaScriptEncoder.Default };

    /// <summary>How texts are escaped.</summary>
    public JavaScriptEncoder Encoder { get; private init; } = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>The first property that no such record has, or null.</summary>
    public string? StrangerIn(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Select(property => properties.TryGetValue(property.Name, out var form) ? form.StrangerIn(property.Value) : property.Name)
            .FirstOrDefault(stranger => stranger is not null),
        JsonValueKind.Array => value.EnumerateArray().Select(StrangerIn).FirstOrDefault(stranger => stranger is not null),
        _ => null,
    };
}
