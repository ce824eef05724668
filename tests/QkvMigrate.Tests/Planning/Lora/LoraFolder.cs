using System.Runtime.InteropServices;
using QkvMigrate.Checkpoints;
using QkvMigrate.Planning.Lora;
using QkvMigrate.Reordering;
using QkvMigrate.Running;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Zips;

namespace QkvMigrate.Tests.Planning.Lora;

/// <summary>A temporary directory with a LoRA checkpoint in a directory of its own, as LitGPT's fine-tuning leaves it.</summary>
internal sealed class LoraFolder : IDisposable
{
    private const string CheckpointName = "lit_model.pth.lora";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qkvmigrate-lora-");

    public string Legacy => Path.Combine(_folder.FullName, "legacy");

    public string Checkpoint => Path.Combine(Legacy, CheckpointName);

    public string Upgraded => Path.Combine(_folder.FullName, "upgraded");

    public string Back => Path.Combine(_folder.FullName, "back");

    public void Dispose() => _folder.Delete(recursive: true);

    public void Write(IReadOnlyList<StoredTensor> tensors, string modelConfiguration, string? hyperparameters)
    {
        Directory.CreateDirectory(Legacy);
        TorchFile.Save(Checkpoint, tensors);
        File.WriteAllText(Path.Combine(Legacy, "model_config.yaml"), modelConfiguration);
        if (hyperparameters is not null)
        {
            File.WriteAllText(Path.Combine(Legacy, "hyperparameters.yaml"), hyperparameters);
        }
    }

    public CheckpointReport Upgrade(LoraOptions options) => Run(MigrationDirection.Upgrade, Legacy, Upgraded, options);

    public CheckpointReport Downgrade(LoraOptions options) => Run(MigrationDirection.Downgrade, Upgraded, Back, options);

    /// <summary>What would be done with the checkpoint as it was written.</summary>
    public CheckpointReport Plan(MigrationDirection direction) => Run(direction, Legacy, Upgraded, new LoraOptions(), dryRun: true);

    /// <summary>The tensors of the checkpoint in <paramref name="directory"/> by name, row by row.</summary>
    public static IReadOnlyDictionary<string, float[][]> Read(string directory)
    {
        using var checkpoint = QkvMigrate.Checkpoints.Checkpoint.Open(Path.Combine(directory, CheckpointName));
        return checkpoint.Tensors.ToDictionary(tensor => tensor.Name!.Text, tensor => Rows(checkpoint, tensor));
    }

    public static string Hyperparameters(string directory) => File.ReadAllText(Path.Combine(directory, "hyperparameters.yaml"));

    private static CheckpointReport Run(MigrationDirection direction, string source, string output, LoraOptions options, bool dryRun = false)
    {
        var engine = new StreamReorderEngine();
        var request = new MigrationRequest { Path = source, Direction = direction, Output = output, Lora = options, DryRun = dryRun, Engine = () => engine };
        return Xunit.Assert.Single(Migrator.Run(request, CancellationToken.None));
    }

    private static float[][] Rows(QkvMigrate.Checkpoints.Checkpoint checkpoint, TensorEntry tensor)
    {
        Xunit.Assert.Equal([tensor.Shape[1], 1], tensor.Strides);
        Xunit.Assert.Equal(0, tensor.StorageOffset);
        Xunit.Assert.Equal(tensor.Extent, tensor.Storage.Length);
        var values = MemoryMarshal.Cast<byte, float>(checkpoint.Source.Read(tensor.FileOffset, (int)tensor.Extent)).ToArray();
        return [.. values.Chunk((int)tensor.Shape[1])];
    }
}
