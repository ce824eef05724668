using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.FilePlans;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;
using QkvMigrate.Reordering;

namespace QkvMigrate.Writing.InPlace;

/// <summary>The file that changes in its place, and what is done with it. Each change is on the disk when the call returns.</summary>
/// <param name="path">What failures call it.</param>
/// <param name="handle">The open file.</param>
/// <param name="journal">Its journal.</param>
/// <param name="engine">Makes the engine that permutes rows.</param>
/// <param name="slabBytes">Bytes that are in memory at once.</param>
/// <param name="progress">Takes bytes that were written.</param>
internal sealed class ChangedFile(
    string path, SafeFileHandle handle, InPlaceJournal journal, Func<IReorderEngine> engine, int slabBytes, Action<long> progress) : IDisposable
{
    /// <summary>Bytes after which the disk is asked to begin with what was written.</summary>
    private const long WritebackBytes = 8 << 20;

    private static readonly PlanChecksums NoChecksums = new(new FilePlan(0, [], []));

    private readonly InPlacePlan plan = journal.Header.Plan;

    /// <summary>The file as it is on the disk.</summary>
    public SafeFileHandle Handle => handle;

    /// <summary>Brings the bytes of a step into a slot of the journal, and says so in a record.</summary>
    /// <param name="what">Whether the step is made or taken back.</param>
    /// <param name="number">The step.</param>
    public JournalRecord Save(JournalEvent what, int number)
    {
        var slot = journal.SlotOf(journal.Records.Count);
        var hash = new XxHash128();
        var writing = new SteadyWrite(journal.Handle, WritebackBytes);
        MakeBytes(plan.Steps[number].Unmoved(), Now, (_, bytes) =>
        {
            hash.Append(bytes);
            writing.Put(slot, bytes);
            slot += bytes.Length;
            progress(bytes.Length);
        });
        return journal.Append(what, number, hash.GetCurrentHashAsUInt128());
    }

    /// <summary>Makes a step from its bytes in the journal, or takes it back, and holds what came of it against them.</summary>
    /// <exception cref="MigrationException">The file does not have the bytes that were written.</exception>
    public void Make(JournalRecord record)
    {
        var step = plan.Steps[record.Step];
        var made = record.Event == JournalEvent.Forward ? step : step.Inverse();
        Write(made, Slot(record));
        if (HashOf(made.Inverse()) != record.Hash)
        {
            throw Unequal($"step {record.Step + 1}");
        }
    }

    /// <summary>Gives a step that is made, or half made, its old bytes from the journal.</summary>
    public void Restore(JournalRecord record)
    {
        Write(plan.Steps[record.Step].Unmoved(), Slot(record));
        CheckRestored(record);
    }

    /// <summary>Makes sure that a step that was taken back has the bytes that it had at first.</summary>
    /// <param name="record">The record of when the step was made.</param>
    /// <exception cref="MigrationException">It has others.</exception>
    public void CheckRestored(JournalRecord record)
    {
        if (HashOf(plan.Steps[record.Step].Unmoved()) != record.Hash)
        {
            throw Unequal($"step {record.Step + 1}");
        }
    }

    /// <summary>Writes what stands around the tensors of the new file, once all steps are made.</summary>
    public void WriteAfter() => WriteAround(After(), plan.NewLength);

    /// <summary>Writes what stands around the tensors of the old file.</summary>
    public void WriteBefore() => WriteAround(plan.Before, plan.OldLength);

    /// <summary>Whether what stands around the tensors is what the journal says of the old file.</summary>
    public bool IsBefore()
    {
        if (RandomAccess.GetLength(handle) != plan.OldLength)
        {
            return false;
        }

        for (var i = 0; i < plan.Before.Ranges.Count; i++)
        {
            var found = new byte[plan.Before.Ranges[i].Length];
            ReadNow(plan.Before.Ranges[i].Start, found);
            if (!plan.Before.Of(i).SequenceEqual(found))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The old file, as what there is now makes it: all steps are made, and taken back in what this shows.</summary>
    public SourceFile Old()
    {
        var blocks = plan.Steps.SelectMany(step => step.Inverse().Blocks).ToList();
        var starts = blocks.Select(block => block.Range.Start).ToArray();
        return SourceFile.Imagined(path, plan.OldLength, Read);

        void Read(long offset, Span<byte> buffer)
        {
            for (var done = 0; done < buffer.Length;)
            {
                var at = offset + done;
                var number = SortedPlaces.LastUpTo(starts, at);
                var next = number + 1 < starts.Length ? starts[number + 1] : plan.OldLength;
                var (from, length) = number >= 0 && at < blocks[number].Range.End ? blocks[number].Find(at) : (at, next - at);
                var part = buffer.Slice(done, (int)Math.Min(length, buffer.Length - done));
                ReadThere(from, part);
                plan.Before.Overlay(at, part);
                done += part.Length;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();

    private SourceFile Now => SourceFile.Imagined(path, plan.OldLength, ReadNow);

    private void ReadNow(long offset, Span<byte> buffer)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = RandomAccess.Read(handle, buffer[done..], offset + done);
            done += count > 0 ? count : throw new EndOfStreamException($"the file ends at byte {offset + done}");
        }
    }

    /// <summary>As <see cref="ReadNow"/>; what the file does not have any more, or not yet, is zeros.</summary>
    private void ReadThere(long offset, Span<byte> buffer)
    {
        var there = (int)Math.Clamp(RandomAccess.GetLength(handle) - offset, 0, buffer.Length);
        ReadNow(offset, buffer[..there]);
        buffer[there..].Clear();
    }

    /// <summary>The part of the file that a step changes, as the journal has it.</summary>
    private SourceFile Slot(JournalRecord record)
    {
        var blocks = plan.Steps[record.Step].Blocks;
        var starts = blocks.Select(block => block.Range.Start).ToArray();
        var places = new long[starts.Length];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = i == 0 ? journal.SlotOf(record.Number) : places[i - 1] + blocks[i - 1].Range.Length;
        }

        return SourceFile.Imagined(journal.Path, plan.OldLength, Read);

        // No piece of a plan reaches over the end of its block.
        void Read(long offset, Span<byte> buffer)
        {
            var number = SortedPlaces.LastUpTo(starts, offset);
            journal.Fill(buffer, places[number] + offset - starts[number]);
        }
    }

    private void Write(InPlaceStep step, SourceFile source)
    {
        var writing = new SteadyWrite(handle, WritebackBytes);
        MakeBytes(step, source, (at, bytes) =>
        {
            writing.Put(at, bytes);
            progress(bytes.Length);
        });
        HostSystem.Current.Flush(handle);
    }

    /// <summary>XXH128 of what a step would make of the file as it is.</summary>
    private UInt128 HashOf(InPlaceStep step)
    {
        var hash = new XxHash128();
        MakeBytes(step, Now, (_, bytes) => hash.Append(bytes));
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>What is written at the end, with the checksums of what the steps made.</summary>
    private RangeImage After()
    {
        var image = new RangeImage(plan.After.Ranges, [.. plan.After.Bytes]);
        var buffer = new byte[slabBytes];
        Span<byte> sum = stackalloc byte[sizeof(uint)];
        foreach (var checksum in plan.Checksums)
        {
            var crc = new Crc32();
            for (var at = checksum.Range.Start; at < checksum.Range.End; at += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, checksum.Range.End - at));
                ReadThere(at, part);
                plan.After.Overlay(at, part);
                crc.Append(part);
            }

            BinaryPrimitives.WriteUInt32LittleEndian(sum, crc.GetCurrentHashAsUInt32());
            foreach (var place in checksum.Places)
            {
                image.TryPut(place, sum);
            }
        }

        return image;
    }

    private void WriteAround(RangeImage image, long length)
    {
        for (var i = 0; i < image.Ranges.Count; i++)
        {
            PositionedWrite.All(handle, image.Of(i), image.Ranges[i].Start);
        }

        RandomAccess.SetLength(handle, length);
        HostSystem.Current.Flush(handle);
    }

    /// <summary>Makes the bytes of a step's blocks, in the order of the file, from a source that is as the file was before it.</summary>
    /// <param name="step">The step.</param>
    /// <param name="source">The source.</param>
    /// <param name="emit">Takes bytes with their place in the file; they are valid until it returns.</param>
    private void MakeBytes(InPlaceStep step, SourceFile source, Action<long, ReadOnlySpan<byte>> emit)
    {
        using var pieces = new PieceBytes(NoChecksums, () => engine().CreateLane(slabBytes), slabBytes);
        foreach (var piece in step.Blocks.SelectMany(block => block.Segments(source)).SelectMany(segment => PieceQueue.InSlabs(segment, slabBytes)))
        {
            pieces.Make(piece, emit, CancellationToken.None);
        }
    }

    private MigrationException Unequal(string where) =>
        new(FailureKind.Verification, "what stands in the file is not what was written: memory or the disk is at fault", path, where);
}
