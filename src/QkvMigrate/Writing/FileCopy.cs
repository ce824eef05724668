using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing;

/// <summary>Copies a whole file as it is: the same executor with a plan of one piece.</summary>
internal static class FileCopy
{
    /// <summary>Copies <paramref name="source"/> into the folder of a <see cref="DurableFolder"/>, with its permissions and time of change.</summary>
    public static void IntoNewFolder(string source, string target, DurableFolder folder, IWriteProgress? observer, CancellationToken cancellation) =>
        Copy(source, target, folder.CreateFile, observer, cancellation);

    /// <summary>Copies <paramref name="source"/> to a name that must be free, with its permissions and time of change.</summary>
    public static void Copy(string source, string target) =>
        Copy(source, target, path => DurableFile.Create(path, replace: false), null, CancellationToken.None);

    private static void Copy(string source, string target, Func<string, DurableFile> create, IWriteProgress? observer, CancellationToken cancellation)
    {
        using var file = SourceFile.Open(source);
        using var copy = create(target);
        var plan = new FilePlan(file.Length, file.Length == 0 ? [] : [new CopySegment(0, file.Length, -1, file, 0)], []);
        using var progress = observer?.Begin(source, file.Length);
        FilePlanWriter.Write(plan, copy.Handle, NoEngine, progress is null ? null : progress.Advance, cancellation);
        file.CheckUnchanged();
        progress?.Enter(WriteStage.Syncing);
        File.SetLastWriteTimeUtc(copy.Handle, File.GetLastWriteTimeUtc(file.Handle));
        copy.Commit(HostSystem.Current.ModeOf(file.Handle));
    }

    private static IReorderEngine NoEngine() => throw new InvalidOperationException("a copy reorders nothing");
}
