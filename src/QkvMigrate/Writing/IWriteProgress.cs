namespace QkvMigrate.Writing;

/// <summary>A stage of the writing of a file.</summary>
public enum WriteStage
{
    /// <summary>Its bytes are being written.</summary>
    Writing,

    /// <summary>The new file is being proven against the old one.</summary>
    Verifying,

    /// <summary>The system is bringing what was written to the disk.</summary>
    Syncing,
}

/// <summary>
/// Observes files as they are written. The calls come from several threads at once: several jobs write several files, and a
/// few threads write one file.
/// </summary>
public interface IWriteProgress
{
    /// <summary>The writing of a file begins; it ends when what this returns is disposed, however it ended.</summary>
    /// <param name="path">The source, as the user named it or as it was found.</param>
    /// <param name="bytes">Bytes of the new file.</param>
    IFileProgress Begin(string path, long bytes);
}

/// <summary>Observes one file as it is written. The calls hold up the writing, and must be cheap.</summary>
public interface IFileProgress : IDisposable
{
    /// <summary><paramref name="bytes"/> more bytes are written.</summary>
    void Advance(long bytes);

    /// <summary>The next stage begins. There is no call for the first, <see cref="WriteStage.Writing"/>.</summary>
    void Enter(WriteStage stage);
}
