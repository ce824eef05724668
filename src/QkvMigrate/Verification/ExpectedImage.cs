using QkvMigrate.Files;

namespace QkvMigrate.Verification;

/// <summary>The bytes that a region of the second file must have, from front to back: moved runs from their source, the rest from its own place.</summary>
/// <param name="runs">The moved runs, ascending and without overlap.</param>
/// <param name="pair">The region.</param>
/// <param name="original">The first file.</param>
/// <param name="window">Reads small pieces of the first file.</param>
internal sealed class ExpectedImage(IEnumerator<MovedRun> runs, RegionPair pair, SourceFile original, SourceWindow window)
{
    private MovedRun? current;
    private bool isStarted;

    /// <summary>Fills <paramref name="buffer"/> with the bytes from <paramref name="at"/> on, where the last call ended.</summary>
    /// <exception cref="MigrationException">Elements of a moved view overlap, so that no file can hold all.</exception>
    public void Read(long at, Span<byte> buffer)
    {
        if (!isStarted)
        {
            isStarted = true;
            Advance(at);
        }

        while (buffer.Length > 0)
        {
            if (current is not { } run)
            {
                // Nothing moves from here on: one piece, however small.
                original.Read(pair.Before.Offset + at, buffer);
                return;
            }

            if (run.Target > at)
            {
                var still = (int)Math.Min(run.Target - at, buffer.Length);
                ReadOriginal(at, buffer[..still]);
                at += still;
                buffer = buffer[still..];
                continue;
            }

            var done = at - run.Target;
            var length = (int)Math.Min(run.Length - done, buffer.Length);
            ReadOriginal(run.Source + done, buffer[..length]);
            at += length;
            buffer = buffer[length..];
            if (done + length == run.Length)
            {
                Advance(at);
            }
        }
    }

    private void Advance(long at)
    {
        current = runs.MoveNext() ? runs.Current : null;
        if (current is { } run && run.Target < at)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "elements of a tensor whose rows move share bytes or alternate, so what they must be is not known",
                original.Path,
                pair.Place,
                pair.Before.Offset + run.Target);
        }
    }

    private void ReadOriginal(long at, Span<byte> buffer) => window.Read(pair.Before.Offset + at, buffer);
}
