using System.Reflection;
using QkvMigrate.Reordering;
using QkvMigrate.Torch;
using QkvMigrate.Torch.Cuda;
using QkvMigrate.Torch.Natives;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Diagnosis;

/// <summary>What this program finds on this machine: what a report of a bug needs. Nothing of libtorch is loaded for it.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="System">The system.</param>
/// <param name="Engines">What can permute rows here, on the CPU and on each device.</param>
/// <param name="Automatic">The engine that <c>--engine auto</c> takes.</param>
/// <param name="Libtorch">The libtorch that would be taken, or null.</param>
/// <param name="LibtorchProblem">Why there is none, or null.</param>
/// <param name="Cuda">The CUDA devices.</param>
/// <param name="Filesystem">The filesystem that was asked about.</param>
internal sealed record MachineReport(
    string Version,
    SystemFacts System,
    IReadOnlyList<EngineFact> Engines,
    ChosenEngine Automatic,
    Libtorch? Libtorch,
    string? LibtorchProblem,
    CudaDevices Cuda,
    FilesystemProbe Filesystem)
{
    /// <summary>Looks at everything; <paramref name="path"/> is a file or folder of the filesystem in question.</summary>
    /// <exception cref="MigrationException">The path is not there.</exception>
    public static MachineReport Of(string path)
    {
        var filesystem = FilesystemProbe.Of(path);
        var cuda = CudaDriver.Devices();
        var (libtorch, problem) = FindLibtorch();
        return new MachineReport(
            typeof(MachineReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
            SystemFacts.Read(),
            [.. EngineFacts(libtorch, cuda)],
            ReorderEngines.Choose(new ReorderEngineChoice(ReorderEngineKind.Auto, ComputeDevice.Auto)),
            libtorch,
            problem,
            cuda,
            filesystem);
    }

    private static (Libtorch? Found, string? Problem) FindLibtorch()
    {
        try
        {
            return (TorchLibrary.Find(), null);
        }
        catch (MigrationException error)
        {
            return (null, error.Message);
        }
    }

    private static IEnumerable<EngineFact> EngineFacts(Libtorch? libtorch, CudaDevices cuda)
    {
        yield return new EngineFact("stream", "cpu");
        if (libtorch is not null)
        {
            yield return new EngineFact("torch", "cpu");
        }

        for (var index = 0; libtorch is { HasCuda: true } && index < cuda.Devices.Count; index++)
        {
            yield return new EngineFact("torch", $"cuda:{index}");
        }
    }
}

/// <summary>An engine that can be had here.</summary>
/// <param name="Engine">Its name for <c>--engine</c>.</param>
/// <param name="Device">Its name for <c>--device</c>.</param>
internal sealed record EngineFact(string Engine, string Device);
