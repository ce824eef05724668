using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing.InPlace;

/// <summary>A file that may be changed in its place: it has no other name, and nobody else writes it, as far as the system tells.</summary>
internal static class LoneFile
{
    /// <summary>How often and how long to look again at a file that is open for writing.</summary>
    private const int Tries = 25;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    /// <summary>Makes sure that a file is one.</summary>
    /// <exception cref="MigrationException">It has another name, or somebody writes it.</exception>
    public static void Check(string path)
    {
        var named = FileIdentity.OfLink(path) ?? throw Refused("there is no such file", path);
        if (named.Special is { } special)
        {
            throw Refused($"this is no regular file but {special}", path);
        }

        if (named.Links > 1)
        {
            throw Refused($"it has {named.Links} names (hard links), and would change under all of them; --in-place without --journal replaces this one", path);
        }

        if (StaysOpenForWriting(path))
        {
            throw Refused("another program has it open for writing", path);
        }
    }

    /// <summary>Opens one for reading and writing.</summary>
    /// <exception cref="MigrationException">It is none, or was replaced meanwhile.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static SafeFileHandle Open(string path)
    {
        Check(path);
        var named = FileIdentity.OfLink(path);
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (named is { } expected && FileIdentity.Of(handle).IsSameFile(expected))
        {
            return handle;
        }

        handle.Dispose();
        throw new MigrationException(FailureKind.Io, "another file was put in its place", path);
    }

    /// <summary>
    /// A program that is being started has for a moment what the one that starts it has open, as scanners have what was just written:
    /// who has it for longer writes.
    /// </summary>
    private static bool StaysOpenForWriting(string path)
    {
        for (var tries = 0; HostSystem.Current.IsOpenForWriting(path); tries++)
        {
            if (tries == Tries)
            {
                return true;
            }

            Thread.Sleep(Moment);
        }

        return false;
    }

    private static MigrationException Refused(string problem, string path) => new(FailureKind.Target, problem, path);
}
