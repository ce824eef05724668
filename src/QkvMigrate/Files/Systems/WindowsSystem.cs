using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace QkvMigrate.Files.Systems;

/// <summary>
/// Windows. A file that somebody has open cannot always be replaced: where the filesystem has POSIX's renames (NTFS since Windows
/// 10), one that was opened as this library opens its own can; elsewhere a replaced file must be closed. Owners, groups and
/// permissions are left to the folder, which hands down its own.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsSystem : HostSystem
{
    /// <summary>How often and how long to try again what another program keeps from us for a moment, as those do that look for viruses.</summary>
    private const int Tries = 20;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(25);

    /// <inheritdoc/>
    public override FileIdentity IdentityOf(SafeFileHandle file) => WindowsFileStatus.Of(file);

    /// <inheritdoc/>
    public override FileIdentity? IdentityOf(string path, bool followLinks)
    {
        using var file = WindowsNames.Open(path, WindowsNames.ReadAttributes, followLinks);
        return file.IsInvalid ? null : WindowsFileStatus.Of(file) with { IsMountPoint = !followLinks && WindowsFileStatus.IsVolume(file, path) };
    }

    /// <inheritdoc/>
    public override string? FolderAbove(string folder)
    {
        using var opened = WindowsNames.Open(folder, WindowsNames.ReadAttributes, followLinks: true);
        return Path.GetDirectoryName(opened.IsInvalid ? Path.GetFullPath(folder) : WindowsNames.FinalPath(opened) ?? Path.GetFullPath(folder));
    }

    /// <inheritdoc/>
    public override string? WhyNoName(string path) => ReservedNames.Problem(path);

    /// <inheritdoc/>
    public override Volume VolumeOf(string folder) => WindowsNames.VolumeOf(folder);

    /// <inheritdoc/>
    public override DiskProblem ProblemOf(Exception failure) => failure switch
    {
        DiskException known => known.Problem,
        UnauthorizedAccessException => DiskProblem.AccessDenied,
        _ => (failure.HResult & 0xffff) switch
        {
            WindowsError.AccessDenied => DiskProblem.AccessDenied,
            WindowsError.WriteProtected => DiskProblem.ReadOnly,
            WindowsError.BadChecksum or WindowsError.Device => DiskProblem.InputOutput,
            WindowsError.HandleDiskFull or WindowsError.DiskFull => DiskProblem.NoSpace,
            WindowsError.FileTooLarge => DiskProblem.FileTooLarge,
            WindowsError.Quota => DiskProblem.Quota,
            _ => DiskProblem.Other,
        },
    };

    /// <summary>FlushFileBuffers, by .NET.</summary>
    public override void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    /// <summary>
    /// Windows promises nothing of names: NTFS writes them to its journal in order, and to flush a folder's handle has it write
    /// the journal. A filesystem or a user that may not is left at that.
    /// </summary>
    public override void FlushFolder(string folder)
    {
        using var opened = WindowsNames.Open(folder, WindowsNames.Write, followLinks: true);
        if (!opened.IsInvalid)
        {
            _ = WindowsNames.Flush(opened);
        }
    }

    /// <inheritdoc/>
    public override void Allocate(SafeFileHandle target, long length)
    {
        if (!WindowsFileStatus.Reserve(target, length) && Marshal.GetLastPInvokeError() is WindowsError.DiskFull or WindowsError.HandleDiskFull or WindowsError.Quota)
        {
            throw SystemError.OfWindows("the space of the file");
        }
    }

    /// <summary>Whoever wants to keep others from writing is refused while one does.</summary>
    public override bool IsOpenForWriting(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete).Dispose();
            return false;
        }
        catch (IOException error) when ((error.HResult & 0xffff) == WindowsError.SharingViolation)
        {
            return true;
        }
    }

    /// <inheritdoc/>
    public override UnixFileMode? ModeOf(SafeFileHandle file) => null;

    /// <inheritdoc/>
    public override void SetMode(SafeFileHandle file, UnixFileMode mode)
    {
    }

    /// <inheritdoc/>
    public override void KeepOwner(SafeFileHandle file, FileIdentity other)
    {
    }

    /// <inheritdoc/>
    public override void KeepAccess(string folder, string other)
    {
    }

    /// <inheritdoc/>
    public override bool HardLink(string path, string newName)
    {
        if (WindowsNames.HardLink(path, newName))
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return WindowsError.IsUnsupported(error) || error == WindowsError.TooManyLinks ? false : throw SystemError.OfWindows("CreateHardLink", newName);
    }

    /// <summary>
    /// By POSIX's semantics where the filesystem has them. Elsewhere by MoveFileEx, which replaces no folder: an empty one is removed
    /// first.
    /// </summary>
    public override void Rename(string path, string newName, bool replace)
    {
        for (var tries = 1; !TryRename(path, newName, replace); tries++)
        {
            if (tries == Tries || Marshal.GetLastPInvokeError() is not (WindowsError.SharingViolation or WindowsError.AccessDenied))
            {
                throw SystemError.OfWindows("rename", newName);
            }

            Thread.Sleep(Moment);
        }
    }

    /// <summary>By the modes in which Windows has files shared: whoever has this one open lets others read and remove it, and not write.</summary>
    public override SafeFileHandle? Lock(string path, bool wait, out bool isNew)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                var found = IdentityOf(path, followLinks: false);
                isNew = found is null;
                return found is not { IsLink: true }
                    ? File.OpenHandle(path, isNew ? FileMode.CreateNew : FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete)
                    : throw new IOException($"a link, where a lock is to be : '{path}'");
            }
            catch (IOException error) when ((error.HResult & 0xffff) is WindowsError.SharingViolation or WindowsError.FileExists or WindowsError.FileNotFound)
            {
                isNew = false;
                return null;
            }
            catch (UnauthorizedAccessException) when (tries < Tries)
            {
                // The file of a lock that was just given back is there and cannot be opened, until its last handle is closed.
                Thread.Sleep(Moment);
            }
        }
    }

    /// <inheritdoc/>
    public override SafeFileHandle OpenLocked(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Every file of Windows can be kept from being shared.</summary>
    public override bool HasLocks(SafeFileHandle file) => true;

    private static bool TryRename(string path, string newName, bool replace)
    {
        using (var file = WindowsNames.Open(path, WindowsNames.Delete, followLinks: false))
        {
            if (file.IsInvalid)
            {
                return false;
            }

            if (WindowsFileStatus.Rename(file, newName, replace))
            {
                return true;
            }

            if (!WindowsError.IsUnsupported(Marshal.GetLastPInvokeError()))
            {
                return false;
            }
        }

        if (replace && Directory.Exists(newName))
        {
            Directory.Delete(newName);
        }

        return WindowsNames.Move(path, newName, replace);
    }
}
