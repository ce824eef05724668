using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>
/// What an operating system does with files in its own way: the one seam between this library and Linux, macOS and Windows.
/// All keep the same promises, and use .NET where that does. What it has no name for, they ask of the system.
/// </summary>
internal abstract class HostSystem
{
    /// <summary>
    /// For tests: with the value 1, nothing is used on Linux but what every Unix has, as on systems that have no more. What is
    /// written is the same.
    /// </summary>
    private const string PortableVariable = "QKVMIGRATE_PORTABLE";

    /// <summary>The system that this process runs on.</summary>
    public static HostSystem Current { get; } = Choose();

    /// <summary>The open file.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public abstract FileIdentity IdentityOf(SafeFileHandle file);

    /// <summary>The file under a name, or null where there is none.</summary>
    /// <param name="path">The name.</param>
    /// <param name="followLinks">Whether a symbolic link stands for the file that it leads to.</param>
    public abstract FileIdentity? IdentityOf(string path, bool followLinks);

    /// <summary>How many files this process may have open, after it has asked for as many as it may ask for.</summary>
    public virtual long MostOpenFiles => long.MaxValue;

    /// <summary>
    /// Whether there is certainly nothing under a name. Where this says no, to open it tells: it spares who looks for what is mostly not there the
    /// cost of an exception.
    /// </summary>
    public virtual bool IsMissing(string path) => false;

    /// <summary>A path of the folder that <paramref name="folder"/> really lies in, where links lead to it; null above a root, or that of a root itself.</summary>
    public abstract string? FolderAbove(string folder);

    /// <summary>Whether a file can be called <paramref name="path"/>: null, or why it cannot.</summary>
    public virtual string? WhyNoName(string path) => null;

    /// <summary>The filesystem that a folder is on.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public abstract Volume VolumeOf(string folder);

    /// <summary>What a failure says of the disk.</summary>
    public abstract DiskProblem ProblemOf(Exception failure);

    /// <summary>Brings a file's bytes to the disk.</summary>
    /// <exception cref="IOException">They did not get there, or may not have.</exception>
    public abstract void Flush(SafeFileHandle file);

    /// <summary>Brings the names in a folder to the disk, as far as the system can be asked to.</summary>
    /// <exception cref="IOException">They did not get there, or may not have.</exception>
    public abstract void FlushFolder(string folder);

    /// <summary>
    /// Brings many files and all names of one filesystem to the disk at once, where the system can and that costs less than to flush each.
    /// </summary>
    /// <param name="files">The files, which are open for writing.</param>
    /// <param name="folder">A folder of the filesystem.</param>
    /// <param name="lose">Gets each file of which the system says that it did not get there. It says so only once.</param>
    /// <returns>False where the system cannot, or something went wrong: then each other one has to be flushed by itself, which tells what.</returns>
    public virtual bool FlushTogether(IReadOnlyList<SafeFileHandle> files, string folder, Action<SafeFileHandle, IOException> lose) => false;

    /// <summary>
    /// Copies inside the kernel, sharing blocks where the filesystem can. Returns the bytes copied, 0 at the end of the
    /// source, or −1 where the system or the two files do not allow it.
    /// </summary>
    /// <exception cref="IOException">The source cannot be read, or the target written.</exception>
    public virtual long CopyRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length) => -1;

    /// <summary>Has <paramref name="target"/>, which is empty, share all blocks of <paramref name="source"/>; false where that cannot be.</summary>
    public virtual bool Clone(SafeFileHandle source, SafeFileHandle target) => false;

    /// <summary>Makes sure that the disk has space for a file, so that a disk too small is told before the first byte.</summary>
    /// <exception cref="IOException">There is not enough space.</exception>
    public abstract void Allocate(SafeFileHandle target, long length);

    /// <summary>Has the disk begin to write a range that was just written, so that the sync at the end finds little left. Only a hint.</summary>
    public virtual void StartWriteback(SafeFileHandle target, long offset, long length)
    {
    }

    /// <summary>Whether another program has a file open for writing, as far as the system tells: where it does not, false.</summary>
    public virtual bool IsOpenForWriting(string path) => false;

    /// <summary>The permissions of a file that a copy of it gets, or null where the system has none of this kind.</summary>
    public abstract UnixFileMode? ModeOf(SafeFileHandle file);

    /// <summary>Gives an open file permissions of <see cref="ModeOf"/>.</summary>
    public abstract void SetMode(SafeFileHandle file, UnixFileMode mode);

    /// <summary>Gives an open file the owner and the group of another, where this process may and the system has them.</summary>
    public abstract void KeepOwner(SafeFileHandle file, FileIdentity other);

    /// <summary>Gives a new folder the permissions, the owner and the group of another, where this process may and the system has them.</summary>
    public abstract void KeepAccess(string folder, string other);

    /// <summary>Gives <paramref name="path"/> a second name, and never replaces one; false where the filesystem has no second names.</summary>
    /// <exception cref="IOException">The name is taken, or the system refuses.</exception>
    public abstract bool HardLink(string path, string newName);

    /// <summary>
    /// Gives a file or folder another name, at once: whoever opens the new name finds what had it before, or this. Where
    /// <paramref name="replace"/> is true, a file gives way to a file and an empty folder to a folder.
    /// </summary>
    /// <exception cref="IOException">The name is taken, or the system refuses.</exception>
    public abstract void Rename(string path, string newName, bool replace);

    /// <summary>Opens the file of a lock, makes it where it is not there, and locks it for as long as it is open.</summary>
    /// <param name="path">The file. Where it is a link, it is not followed.</param>
    /// <param name="wait">Whether to wait for a process that has the lock, where the system can.</param>
    /// <param name="isNew">Whether the file was not there before.</param>
    /// <returns>The open file, or null where another process has the lock.</returns>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public abstract SafeFileHandle? Lock(string path, bool wait, out bool isNew);

    /// <summary>Opens the file of a lock that another process has, for reading.</summary>
    /// <exception cref="IOException">It cannot be opened, or is gone.</exception>
    public abstract SafeFileHandle OpenLocked(string path);

    /// <summary>Whether the filesystem of an open file has locks. The file may be locked until it is closed.</summary>
    public abstract bool HasLocks(SafeFileHandle file);

    private static HostSystem Choose() =>
        OperatingSystem.IsWindows() ? new WindowsSystem()
        : OperatingSystem.IsMacOS() ? new MacSystem()
        : Environment.GetEnvironmentVariable(PortableVariable) == "1" ? new PortableLinuxSystem()
        : new LinuxSystem();
}
