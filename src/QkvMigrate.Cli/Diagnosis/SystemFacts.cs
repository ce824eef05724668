using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace QkvMigrate.Cli.Diagnosis;

/// <summary>The system that the program runs on.</summary>
/// <param name="Name">The distribution and its version.</param>
/// <param name="Kernel">The kernel's version.</param>
/// <param name="Architecture">The processor's architecture, and the program's.</param>
/// <param name="Libc">The C library, with its version where it is glibc.</param>
/// <param name="Runtime">What runs the program: native code, or a .NET runtime.</param>
/// <param name="Processors">Processors that this process may use.</param>
/// <param name="MemoryBytes">Memory that this process may use.</param>
internal sealed partial record SystemFacts(string Name, string Kernel, string Architecture, string Libc, string Runtime, int Processors, long MemoryBytes)
{
    /// <summary>Asks the system.</summary>
    public static SystemFacts Read() => new(
        RuntimeInformation.OSDescription,
        Environment.OSVersion.Version.ToString(),
        RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
        OperatingSystem.IsLinux() ? LinuxLibc() : "the system's own C library",
        RuntimeFeature.IsDynamicCodeSupported ? RuntimeInformation.FrameworkDescription : $"native code of {RuntimeInformation.FrameworkDescription}",
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The name that people know the system's kernel by.</summary>
    public static string KernelName => OperatingSystem.IsWindows() ? "Windows" : OperatingSystem.IsMacOS() ? "Darwin" : "Linux";

    [SupportedOSPlatform("linux")]
    private static string LinuxLibc()
    {
        try
        {
            return $"glibc {Marshal.PtrToStringUTF8(LibCVersion())}";
        }
        catch (EntryPointNotFoundException)
        {
            return "musl";
        }
    }

    [LibraryImport("libc", EntryPoint = "gnu_get_libc_version")]
    private static partial nint LibCVersion();
}
