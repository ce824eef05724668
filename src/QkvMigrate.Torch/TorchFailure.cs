using System.Runtime.InteropServices;

namespace QkvMigrate.Torch;

/// <summary>Says in one line what libtorch, CUDA or the system's loader refused.</summary>
internal static class TorchFailure
{
    /// <summary>Whether <paramref name="error"/> comes from there.</summary>
    public static bool IsOne(Exception error) =>
        error is ExternalException or TypeInitializationException or DllNotFoundException or EntryPointNotFoundException;

    /// <summary>The failure of <paramref name="work"/>; libtorch puts its own stack behind the first line.</summary>
    public static MigrationException Of(Exception error, string work) =>
        new(FailureKind.Unavailable, $"{work}: torch says: {error.GetBaseException().Message.Split('\n')[0]}", inner: error);
}
