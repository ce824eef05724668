using QkvMigrate.Cli.Diagnosis;
using QkvMigrate.Torch;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Writes what was found on a machine, for people: a line for each thing.</summary>
internal static class TextMachineReport
{
    /// <summary>Writes the lines.</summary>
    public static void Write(TextWriter writer, MachineReport report)
    {
        var system = report.System;
        Line("qkvmigrate", $"{report.Version}, {system.Runtime}");
        Line("system", $"{system.Name}, {SystemFacts.KernelName} {system.Kernel}, {system.Architecture}, {system.Libc}");
        Line("machine", $"{system.Processors} processors, {ByteSize.Text(system.MemoryBytes)} of memory");
        Line("engines", string.Join(", ", report.Engines.Select(engine => $"{engine.Engine} on {engine.Device}")));
        Line("", $"auto is {report.Automatic.Engine.Name}: {report.Automatic.Reason}");
        Line("libtorch", report.Libtorch?.Description ?? $"none: {report.LibtorchProblem}");
        Line("", $"TorchSharp is made for PyTorch {TorchLibrary.MadeFor}");
        WriteCuda(report);
        Line("folder", report.Filesystem.Folder);
        Line("", $"{report.Filesystem.Type}, {ByteSize.Text(report.Filesystem.FreeBytes)} of {ByteSize.Text(report.Filesystem.TotalBytes)} free");
        Line("", report.Filesystem.Tried is { } tried ? Abilities(tried) : $"not tried: {report.Filesystem.Problem}");

        void WriteCuda(MachineReport report)
        {
            var (devices, driver, problem) = report.Cuda;
            Line("CUDA", problem is not null ? $"none: {problem}" : $"the driver serves CUDA {driver}");
            for (var index = 0; index < devices.Count; index++)
            {
                Line(
                    "",
                    $"cuda:{index} is {devices[index].Name}, {ByteSize.Text(devices[index].MemoryBytes)}, compute capability "
                    + $"{devices[index].ComputeCapability}");
            }

            if (devices.Count > 0 && report.Libtorch is not { HasCuda: true })
            {
                Line("", "not used: the libtorch above has no CUDA; --libtorch names another");
            }
        }

        void Line(string name, string text) => writer.WriteLine($"{name,-12}{text}");
    }

    private static string Abilities(FilesystemAbilities tried) =>
        $"reflink {Word(tried.Reflink)}, copy in the kernel {Word(tried.KernelCopy)}, locks {Word(tried.Locks)}";

    private static string Word(bool can) => can ? "yes" : "no";
}
