using System.Globalization;
using System.Runtime.InteropServices;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>The largest resident set of this process since a point in time, by Linux's own count (proc(5), <c>VmHWM</c> and <c>clear_refs</c>).</summary>
internal sealed partial class HostMemory : IPeakMemory
{
    private const string ResetPeak = "5";

    /// <inheritdoc/>
    public string Counter => "resident set";

    /// <inheritdoc/>
    public void Reset()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _ = TrimHeap(0);
        try
        {
            File.WriteAllText("/proc/self/clear_refs", ResetPeak);
        }
        catch (UnauthorizedAccessException)
        {
            // Some containers keep it closed; the count then goes back to the start of the process, and still bounds the peak.
        }
    }

    /// <inheritdoc/>
    public long? Read()
    {
        const string field = "VmHWM:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.TryParse(line?[field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var kibibytes)
            ? kibibytes * 1024
            : null;
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int TrimHeap(nuint pad);
}
