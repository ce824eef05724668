using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Files.Systems;

namespace QkvMigrate.Writing.InPlace;

/// <summary>
/// The journal beside a file that is changed in its place: a header that says what changes, records that say how far it is, and two
/// slots, which take turns to hold the bytes that a step changes, as they were.
/// </summary>
internal sealed class InPlaceJournal : IDisposable
{
    /// <summary>Records and slots start on multiples of as many bytes: what is written to one never shares a page with another.</summary>
    private const int Page = 4096;

    private const int Slots = 2;

    private readonly UInt128 identity;
    private readonly long recordsStart;
    private readonly long slotsStart;
    private readonly long slotBytes;
    private readonly List<JournalRecord> records = [];

    private InPlaceJournal(string path, SafeFileHandle handle, JournalHeader header, byte[] text)
    {
        Path = path;
        Handle = handle;
        Header = header;
        identity = XxHash128.HashToUInt128(text);
        recordsStart = Aligned(text.Length);
        slotsStart = recordsStart + (MostRecords * (long)Page);
        slotBytes = Aligned(header.Plan.LargestStep);
    }

    /// <summary>The journal's file.</summary>
    public string Path { get; }

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>What changes.</summary>
    public JournalHeader Header { get; }

    /// <summary>How far it is. A last record whose slot does not have its bytes allowed nothing yet, and is left out.</summary>
    public IReadOnlyList<JournalRecord> Records => records;

    /// <summary>Bytes of the whole journal.</summary>
    public long Length => slotsStart + (Slots * slotBytes);

    /// <summary>A step forward and back each, the end, the turn, and that it is finished.</summary>
    private int MostRecords => (2 * Header.Plan.Steps.Count) + 3;

    /// <summary>Makes the journal. It has its space, and is on the disk but for its name.</summary>
    /// <param name="path">Its name, which must be free.</param>
    /// <param name="header">What changes.</param>
    /// <param name="file">The file that changes, whose permissions and owner the journal gets: it holds bytes of it.</param>
    /// <exception cref="IOException">There is no space for it, or it cannot be written.</exception>
    public static InPlaceJournal Create(string path, JournalHeader header, SafeFileHandle file)
    {
        var text = JournalText.Of(header);
        var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            HostSystem.Current.KeepOwner(handle, FileIdentity.Of(file));
            if (HostSystem.Current.ModeOf(file) is { } mode)
            {
                HostSystem.Current.SetMode(handle, mode);
            }

            var journal = new InPlaceJournal(path, handle, header, text);
            HostSystem.Current.Allocate(handle, journal.Length);
            PositionedWrite.All(handle, text, 0);
            RandomAccess.SetLength(handle, journal.Length);
            HostSystem.Current.Flush(handle);
            return journal;
        }
        catch
        {
            handle.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Opens a journal that was left.</summary>
    /// <exception cref="MigrationException">It is none, is damaged, or cannot be read.</exception>
    public static InPlaceJournal Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            if (FileIdentity.OfLink(path) is { Special: { } special })
            {
                throw new MigrationException(FailureKind.Io, $"this is no regular file but {special}", path);
            }

            handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            using var source = SourceFile.Open(path);
            var start = source.Read(0, (int)Math.Min(JournalText.StartBytes, source.Length));
            if (JournalText.LengthOf(start) is not { } length || length > source.Length)
            {
                throw new InvalidDataException("it does not begin as a journal does");
            }

            var text = source.Read(0, (int)length);
            var journal = new InPlaceJournal(path, handle, JournalText.Read(text), text);
            if (source.Length < journal.Length)
            {
                throw new InvalidDataException($"it has {source.Length} bytes, expected {journal.Length}");
            }

            journal.ReadRecords(source);
            return journal;
        }
        catch (InvalidDataException error)
        {
            handle?.Dispose();
            throw new MigrationException(FailureKind.Malformed, $"this is no journal of a change in place, or a damaged one: {error.Message}", path, inner: error);
        }
        catch (Exception error)
        {
            handle?.Dispose();
            throw IoFailure.IsOne(error) ? IoFailure.Of(error, path) : error;
        }
    }

    /// <summary>Where the slot of a record starts.</summary>
    public long SlotOf(int number) => slotsStart + (number % Slots * slotBytes);

    /// <summary>Adds a record, and brings it to the disk with all that was written before.</summary>
    public JournalRecord Append(JournalEvent what, int step, UInt128 hash = default)
    {
        var record = new JournalRecord(records.Count, what, step, hash);
        PositionedWrite.All(Handle, record.ToBytes(identity), recordsStart + (record.Number * (long)Page));
        HostSystem.Current.Flush(Handle);
        records.Add(record);
        return record;
    }

    /// <summary>
    /// Writes the last record and its slot once more, and brings them to the disk. Where the sync that they had failed, the system shows
    /// bytes that the disk does not have, and takes them for written.
    /// </summary>
    public void Renew()
    {
        if (records is not [.., var last])
        {
            return;
        }

        if (last.HasSlot)
        {
            var writing = new SteadyWrite(Handle, FilePlanWriter.SlabBytes);
            var buffer = new byte[FilePlanWriter.SlabBytes];
            var end = SlotOf(last.Number) + Header.Plan.Steps[last.Step].Length;
            for (var at = SlotOf(last.Number); at < end; at += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at));
                Fill(part, at);
                writing.Put(at, part);
            }
        }

        records.Remove(last);
        Append(last.Event, last.Step, last.Hash);
    }

    /// <summary>Whether the slot of a record has the bytes that the record gives the hash of.</summary>
    public bool HoldsSlot(JournalRecord record)
    {
        var hash = new XxHash128();
        var buffer = new byte[FilePlanWriter.SlabBytes];
        for (var left = Header.Plan.Steps[record.Step].Length; left > 0;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(left, buffer.Length));
            var at = SlotOf(record.Number) + Header.Plan.Steps[record.Step].Length - left;
            Fill(part, at);
            hash.Append(part);
            left -= part.Length;
        }

        return hash.GetCurrentHashAsUInt128() == record.Hash;
    }

    /// <summary>Reads bytes of the journal.</summary>
    public void Fill(Span<byte> buffer, long offset)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = RandomAccess.Read(Handle, buffer[done..], offset + done);
            done += count > 0 ? count : throw new EndOfStreamException($"{Path} ends at byte {offset + done}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static long Aligned(long bytes) => (bytes + Page - 1) / Page * Page;

    private void ReadRecords(SourceFile source)
    {
        for (var number = 0; number < MostRecords; number++)
        {
            var bytes = source.Read(recordsStart + (number * (long)Page), JournalRecord.Bytes);
            if (JournalRecord.Read(bytes, identity, number) is not { } record)
            {
                break;
            }

            if (record.Step < 0 || record.Step > Header.Plan.Steps.Count || (record.HasSlot && record.Step == Header.Plan.Steps.Count))
            {
                throw new InvalidDataException($"record {number} names step {record.Step}");
            }

            records.Add(record);
        }

        if (records is [.., { HasSlot: true } last] && !HoldsSlot(last))
        {
            records.Remove(last);
        }
    }
}
