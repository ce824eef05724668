namespace QkvMigrate.Writing;

/// <summary>What is being done to a file that is on its way.</summary>
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
/// Told of files as they are written. With several jobs the calls for different files come from several threads at
/// once, and so do those for the bytes of one file, which a few threads write.
/// </summary>
public interface IWriteProgress
{
    /// <summary>The writing of a file begins; it ends when what this returns is disposed, however it ended.</summary>
    /// <param name="path">The source, as the user named it or as it was found.</param>
    /// <param name="bytes">Bytes of the new file.</param>
    IFileProgress Begin(string path, long bytes);
}

/// <summary>Told of one file as it is written. Every call is on the way of the bytes, and must be cheap.</summary>
public interface IFileProgress : IDisposable
{
    /// <summary>So many more bytes are written.</summary>
    void Advance(long bytes);

    /// <summary>The next stage begins. The first is <see cref="WriteStage.Writing"/>, and is not told.</summary>
    void Enter(WriteStage stage);
}
