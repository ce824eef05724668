using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using QkvMigrate.Cli.Diagnosis;
using QkvMigrate.Torch;
using QkvMigrate.Torch.Natives;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what was found on a machine as one JSON document (<c>schema/doctor.v1.schema.json</c>).</summary>
internal static class JsonMachineReport
{
    private const int SchemaVersion = 1;

    /// <summary>Writes the document.</summary>
    public static void Write(TextWriter writer, MachineReport report)
    {
        var document = new JsonMachine(
            SchemaVersion,
            report.Version,
            report.System,
            report.Engines,
            new JsonAutomatic(report.Automatic.Engine.Name, report.Automatic.Reason),
            new JsonLibtorch(TorchLibrary.MadeFor, report.LibtorchProblem, report.Libtorch is { } found ? Found(found) : null),
            new JsonCuda(
                report.Cuda.DriverVersion?.ToString(),
                report.Cuda.Problem,
                [.. report.Cuda.Devices.Select(device => new JsonDevice(device.Name, device.MemoryBytes, device.ComputeCapability.ToString()))]),
            Filesystem(report.Filesystem));
        writer.WriteLine(JsonSerializer.Serialize(document, JsonMachineContext.Readable.JsonMachine));
    }

    private static JsonFoundLibtorch Found(Libtorch found) => new(found.Folder, found.Origin, found.Version, found.HasCuda);

    private static JsonFilesystem Filesystem(FilesystemProbe probe) =>
        new(probe.Folder, probe.Type, probe.FreeBytes, probe.TotalBytes, probe.Problem, probe.Tried);
}

/// <summary>The document.</summary>
internal sealed record JsonMachine(
    int SchemaVersion,
    string Version,
    SystemFacts System,
    IReadOnlyList<EngineFact> Engines,
    JsonAutomatic Automatic,
    JsonLibtorch Libtorch,
    JsonCuda Cuda,
    JsonFilesystem Filesystem);

/// <summary>What <c>--engine auto</c> takes, and why.</summary>
internal sealed record JsonAutomatic(string Engine, string Reason);

/// <summary>The libtorch that would be taken, or why there is none, and the version of PyTorch that TorchSharp is made for.</summary>
internal sealed record JsonLibtorch(string MadeForPyTorch, string? Problem, JsonFoundLibtorch? Found);

/// <summary>A libtorch, its folder and by what it was found; the version is missing where nothing tells it.</summary>
internal sealed record JsonFoundLibtorch(string Folder, string Origin, string? Version, bool HasCuda);

/// <summary>The CUDA devices, or why there are none.</summary>
internal sealed record JsonCuda(string? DriverVersion, string? Problem, IReadOnlyList<JsonDevice> Devices);

/// <summary>A CUDA device.</summary>
internal sealed record JsonDevice(string Name, long MemoryBytes, string ComputeCapability);

/// <summary>A filesystem; what it can do is missing where the folder may not be written.</summary>
internal sealed record JsonFilesystem(string Folder, string Type, long FreeBytes, long TotalBytes, string? Problem, FilesystemAbilities? Abilities);

/// <summary>Serializers that are made when the program is built.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(JsonMachine))]
internal sealed partial class JsonMachineContext : JsonSerializerContext
{
    /// <summary>Paths are written as they are: nobody embeds this document in HTML unescaped.</summary>
    public static JsonMachineContext Readable =>
        readable ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static JsonMachineContext? readable;
}
