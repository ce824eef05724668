using QkvMigrate.Files;
using QkvMigrate.Pickling;

namespace QkvMigrate.Checkpoints.TorchBefore16;

/// <summary>Pickles that stand one behind the other in a file. None says how long it is: its STOP ends it.</summary>
internal sealed class PickleSequence(SourceFile source)
{
    private const int FirstWindow = 1 << 20;
    private const int WindowGrowth = 8;

    /// <summary>The first byte behind the pickles that were read.</summary>
    public long Position { get; private set; }

    /// <summary>Reads the next pickle, in a window that grows as long as the pickle may just have been cut off.</summary>
    /// <param name="name">What the pickle is, for failures.</param>
    public PickleDocument Next(string name)
    {
        var available = (int)Math.Min(PickleLimits.Bytes, source.Length - Position);
        for (long window = FirstWindow; ; window *= WindowGrowth)
        {
            var bytes = source.Read(Position, (int)Math.Min(window, available));
            try
            {
                var document = PickleMachine.Run(bytes);
                Position += document.Script.Bytes.Length;
                return document;
            }
            catch (MigrationException error) when (bytes.Length < available && PickleFailure.IsCutOff(error))
            {
                // The window may have cut the pickle off; a larger one tells.
            }
            catch (MigrationException error)
            {
                throw Locate(error, name, Position);
            }
        }
    }

    /// <summary>The same failure, with its place counted from the start of the file.</summary>
    public static MigrationException Locate(MigrationException error, string name, long start) =>
        error.File is null
            ? new MigrationException(error.Kind, error.Problem, where: $"{name} pickle", offset: start + (error.Offset ?? 0), inner: error)
            : error;
}
