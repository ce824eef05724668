using System.IO.Hashing;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Planning;
using QkvMigrate.Planning.Stages;
using QkvMigrate.Verification;
using QkvMigrate.Writing;
using QkvMigrate.Writing.InPlace;

namespace QkvMigrate.Running.InPlace;

/// <summary>Changes a planned checkpoint in its own place: what differs, and nothing else.</summary>
internal static class InPlaceWriting
{
    /// <summary>Changes the file.</summary>
    /// <param name="planned">The checkpoint.</param>
    /// <param name="rewrite">The new file, as the checkpoint's plan has it.</param>
    /// <param name="output">The file, or a link to it.</param>
    /// <param name="request">What the user asks.</param>
    /// <param name="cancellation">Ends the work between two steps.</param>
    /// <exception cref="MigrationException">It cannot be changed so, or was interrupted: the failure says how it is recovered.</exception>
    public static WrittenCheckpoint Write(
        PlannedCheckpoint planned,
        PlannedRewrite rewrite,
        string output,
        MigrationRequest request,
        CancellationToken cancellation)
    {
        var checkpoint = planned.Opened.Checkpoint;
        var path = ReplacedFile.FinalTarget(output);
        var plan = InPlacePlanner.Of(rewrite.Output, checkpoint.Source);
        CheckSource(rewrite.Output, cancellation);
        var digest = request.Verification == VerificationMode.Full ? FileDigest.Whole(checkpoint.Source, cancellation) : null;
        var facts = InPlaceFacts.Of(request, rewrite.Geometry.Geometry, digest);

        // Each byte that moves is written twice: to the journal, and to its place. All others are there already.
        using var progress = request.Progress?.Begin(planned.Path, plan.NewLength);
        progress?.Advance(plan.NewLength - plan.StepBytes);

        // What a report says of the file is read first.
        _ = checkpoint.Globals;
        cancellation.ThrowIfCancellationRequested();
        using var change = InPlaceRewrite.Begin(checkpoint.Source, path, plan, facts.ToBytes(), request.Engine, bytes => progress?.Advance(bytes / 2));
        checkpoint.Source.Dispose();
        var digests = InPlaceEnding.GoForward(change, facts, progress, cancellation);
        return new WrittenCheckpoint(planned, output, digests);
    }

    /// <summary>Makes sure that a checkpoint that changes can be changed so, before anything is written. Its name may be a link.</summary>
    /// <exception cref="MigrationException">It cannot: the failure says why, and names the ways that write a copy.</exception>
    public static void Check(PlannedCheckpoint planned)
    {
        if (planned.Plan.Rewrite is not { } rewrite)
        {
            return;
        }

        if (planned.Opened.Named.OtherShards.Count > 0)
        {
            throw new MigrationException(
                FailureKind.Unsupported,
                "--journal changes one file at a time, and this is a shard: interrupted between two of them, the model would be neither; --in-place without it, or -o, writes copies",
                planned.Path);
        }

        InPlacePlanner.Of(rewrite.Output, planned.Opened.Checkpoint.Source);
        LoneFile.Check(ReplacedFile.FinalTarget(planned.Path));
    }

    /// <summary>Holds what moves against the checksums that the file gives for it, before the first byte is changed.</summary>
    /// <exception cref="MigrationException">The file is damaged.</exception>
    private static void CheckSource(FilePlan plan, CancellationToken cancellation)
    {
        var buffer = new byte[FilePlanWriter.SlabBytes];
        foreach (var expected in plan.SourceChecksums)
        {
            var crc = new Crc32();
            for (var at = expected.Offset; at < expected.End; at += buffer.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, expected.End - at));
                expected.Source.Read(at, part);
                crc.Append(part);
            }

            if (crc.GetCurrentHashAsUInt32() is var computed && computed != expected.Crc)
            {
                throw expected.Damaged(computed);
            }
        }
    }
}
