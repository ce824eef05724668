using Xunit;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>The model itself, over runs of a few effects: what may be lost, what may not.</summary>
public sealed class CrashModelTests
{
    private static readonly Node Root = new(NodeKind.Folder);
    private static readonly Node Old = new(NodeKind.File) { Before = new FileContent([.. Enumerable.Repeat((byte)1, 1024)]) };
    private static readonly Node New = new(NodeKind.File);
    private static readonly byte[] Written = [.. Enumerable.Repeat((byte)2, 1024)];

    [Fact]
    public void A_call_that_another_thread_interrupts_is_put_together()
    {
        var calls = CallTrace.Parse(
        [
            """7 pwrite64(3, "\x41\x42", 2, 8 <unfinished ...>""",
            "8 fsync(4)                         = 0",
            "7 <... pwrite64 resumed>)           = 2",
            """7 rename("\x2f\x61", "\x2f\x62") = -1 ENOENT (No such file or directory)""",
            "7 +++ exited with 0 +++",
        ]);

        Assert.Equal(["fsync 1 1", "pwrite64 0 2"], calls.Select(call => $"{call.Name} {call.Begin} {call.End}"));
        Assert.Equal("AB"u8.ToArray(), calls[1].Bytes(1));
        Assert.Equal(8, calls[1].Number(3));
    }

    /// <summary>A write that is not synced is there, not there, or there in some of its sectors.</summary>
    [Fact]
    public void Bytes_that_are_not_synced_may_be_there_in_part()
    {
        var found = States([new WriteEffect(0, 0, Old, 0, Written)], [])
            .Select(state => state.Entries["old"].Content.Bytes)
            .Select(bytes => $"{bytes[0]}{bytes[512]}");

        Assert.Equal(["11", "12", "21", "22"], found.Distinct().Order());
    }

    [Fact]
    public void Bytes_that_are_synced_are_there()
    {
        var found = AtTheEnd([new WriteEffect(0, 0, Old, 0, Written)], [new Sync(1, 1, Old, "old")]);

        Assert.All(found, state => Assert.Equal(Written, state.Entries["old"].Content.Bytes), throwIfEmpty: true);
    }

    /// <summary>The sync of a file that began before a write had ended does not cover it, nor does that of the folder.</summary>
    [Fact]
    public void A_sync_covers_what_had_ended_and_what_it_is_of()
    {
        foreach (var sync in new[] { new Sync(1, 3, Old, "old"), new Sync(3, 3, Root, ".") })
        {
            Assert.Contains(AtTheEnd([new WriteEffect(0, 2, Old, 0, Written)], [sync]), state => state.Entries["old"].Content.Bytes[0] == 1);
        }
    }

    /// <summary>As a program that forgets to sync its file: the new name can come before the bytes.</summary>
    [Fact]
    public void A_rename_may_come_to_the_disk_before_the_bytes_but_never_in_part()
    {
        Effect[] effects =
        [
            new NameEffect(0, 0, New, [new NameChange(Root, "new", New)]),
            new WriteEffect(1, 1, New, 0, Written),
            new NameEffect(2, 2, New, [new NameChange(Root, "new", null), new NameChange(Root, "old", New)]),
        ];
        var found = AtTheEnd(effects, []).Select(state => string.Join(' ', state.Entries.Select(entry => $"{entry.Key}={entry.Value.Content.Bytes.Length}")));

        Assert.Equal(["new=0 old=1024", "new=1024 old=1024", "old=0", "old=1024"], found.Distinct().Order());
    }

    private static IEnumerable<DiskState> States(Effect[] effects, Sync[] syncs) => Drawn(effects, syncs).Select(found => found.State);

    private static IEnumerable<DiskState> AtTheEnd(Effect[] effects, Sync[] syncs) =>
        Drawn(effects, syncs).Where(found => found.Moment == 10).Select(found => found.State);

    private static IEnumerable<(int Moment, DiskState State)> Drawn(Effect[] effects, Sync[] syncs)
    {
        var before = new Dictionary<(Node Folder, string Name), Node> { [(Root, "old")] = Old };
        return CrashedRun.Draw(new CrashModel(new TracedRun(Root, before, effects, syncs, Length: 10)), 1).Take(500);
    }
}
