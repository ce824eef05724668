using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Files;

/// <summary>
/// What identifies a file and its state, as the system tells it. It changes when somebody writes into the file, or puts another
/// file under its name.
/// </summary>
internal readonly record struct FileIdentity
{
    /// <summary>What it is.</summary>
    public FileKind Kind { get; init; }

    /// <summary>Bytes of the file.</summary>
    public long Size { get; init; }

    /// <summary>The user that owns it; 0 where the system has no such numbers.</summary>
    public uint Owner { get; init; }

    /// <summary>The group that owns it; 0 where the system has no such numbers.</summary>
    public uint Group { get; init; }

    /// <summary>What stands under the name where it is no regular file, as reports call it; null where it is one.</summary>
    public string? Special => Kind == FileKind.Regular ? null : FileKinds.Name(Kind);

    /// <summary>Whether it is a symbolic link itself, which only <see cref="OfLink"/> tells.</summary>
    public bool IsLink => Kind == FileKind.Link;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => Kind == FileKind.Directory;

    /// <summary>Whether a filesystem is mounted there, so that the name cannot be given to something else.</summary>
    public bool IsMountPoint { get; init; }

    /// <summary>The filesystem's device.</summary>
    public ulong Device { get; init; }

    /// <summary>The file's number on it.</summary>
    public ulong Inode { get; init; }

    /// <summary>When the file was made, in nanoseconds since 1970, where the filesystem says.</summary>
    public long? Born { get; init; }

    /// <summary>When its content was written last, in nanoseconds since 1970.</summary>
    public long Modified { get; init; }

    /// <summary>When anything of it was changed last, in nanoseconds since 1970.</summary>
    public long Changed { get; init; }

    /// <summary>How many names it has.</summary>
    public uint Links { get; init; }

    /// <summary>The open file.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public static FileIdentity Of(SafeFileHandle file) => HostSystem.Current.IdentityOf(file);

    /// <summary>The file under a name, links followed; null where there is none.</summary>
    public static FileIdentity? Of(string path) => HostSystem.Current.IdentityOf(path, followLinks: true);

    /// <summary>The file under a name, which may be a symbolic link; null where there is none.</summary>
    public static FileIdentity? OfLink(string path) => HostSystem.Current.IdentityOf(path, followLinks: false);

    /// <summary>Whether both are names of one file; a symbolic link is a file of its own.</summary>
    public static bool AreSame(string path, string other) => OfLink(path) is { } one && OfLink(other) is { } two && one.IsSameFile(two);

    /// <summary>Whether both are one file, whatever became of it.</summary>
    public bool IsSameFile(FileIdentity other) => Inode == other.Inode && Device == other.Device;

    /// <summary>
    /// Whether both are one file that did not change in between. A hard link that is added or removed changes the time of
    /// change as well, and does not matter here; with several links, one may have been added and another removed.
    /// </summary>
    public bool IsUnchanged(FileIdentity other) =>
        IsSameFile(other) && Size == other.Size && Modified == other.Modified && (Changed == other.Changed || Links != other.Links || Links > 1);
}
