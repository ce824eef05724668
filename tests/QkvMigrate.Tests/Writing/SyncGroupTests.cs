using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using QkvMigrate.Files;
using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Writing;

public sealed class SyncGroupTests : IDisposable
{
    private const int Many = 3 * FilesystemSyncs.Fewest;

    /// <summary>More than stay open while they wait.</summary>
    private const int FilesOfFolder = 6;

    /// <summary>The usual one, in which a busy machine may not get to the next thread.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(10);

    /// <summary>Until half of all wait, however long that takes.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Many_files_get_to_the_disk_by_few_calls_and_each_has_its_name_afterwards()
    {
        var calls = new ConcurrentBag<int>();
        using var allAreThere = new Barrier(Many);
        var group = new SyncGroup(
            Many,
            Many,
            (files, place, _) =>
            {
                Assert.Equal(folder.Path, place);
                calls.Add(files.Count);
                return true;
            },
            Long);

        RunAll(group, Many, number =>
        {
            allAreThere.SignalAndWait();
            Write(number);
        });

        Assert.Equal(Enumerable.Range(0, Many).Select(NameOf), Directory.EnumerateFiles(folder.Path).Order(StringComparer.Ordinal));
        Assert.All(Enumerable.Range(0, Many), number => Assert.Equal($"{number}", File.ReadAllText(NameOf(number))), throwIfEmpty: true);
        Assert.NotEmpty(calls);
        Assert.True(calls.Count < Many, $"{calls.Count} calls");
    }

    [Fact]
    public void The_system_s_own_call_or_each_file_s_brings_them_there()
    {
        RunAll(new SyncGroup(2), Many, Write);

        Assert.Equal(Many, Directory.EnumerateFiles(folder.Path).Count());
    }

    /// <summary>No file has its name before a call that had it came back.</summary>
    [Fact]
    public void A_file_that_is_being_synced_has_no_name()
    {
        var early = new ConcurrentBag<string>();
        var looks = 0;
        using var allAreThere = new Barrier(Many);
        var group = new SyncGroup(
            Many,
            Many,
            (files, _, _) =>
            {
                var named = Directory.EnumerateFiles(folder.Path, "0*").Select(FileIdentity.Of).OfType<FileIdentity>().ToList();
                foreach (var file in files.Where(file => named.Exists(FileIdentity.Of(file).IsSameFile)))
                {
                    early.Add($"{file.DangerousGetHandle()}");
                }

                looks += files.Count;
                return true;
            },
            Long);

        RunAll(group, Many, number =>
        {
            allAreThere.SignalAndWait();
            Write(number);
        });

        Assert.Empty(early);
        Assert.NotEqual(0, looks);
    }

    [Fact]
    public void Where_the_call_fails_each_is_synced_by_itself_and_the_call_is_not_made_again()
    {
        var calls = 0;
        using var allAreThere = new Barrier(Many);
        var group = new SyncGroup(
            Many,
            Many,
            (_, _, _) =>
            {
                Interlocked.Increment(ref calls);
                return false;
            },
            Long);

        RunAll(group, Many, number =>
        {
            allAreThere.SignalAndWait();
            Write(number);
            Write(number + Many);
        });

        Assert.Equal(1, calls);
        Assert.Equal(2 * Many, Directory.EnumerateFiles(folder.Path).Count());
    }

    [Fact]
    public void A_failure_is_told_to_the_one_whose_file_it_is()
    {
        var failures = new ConcurrentBag<int>();
        var group = new SyncGroup(2, 2, (_, _, _) => false, Short);

        RunAll(group, Many, number =>
        {
            using var file = File.OpenHandle(NameOf(number), FileMode.CreateNew, FileAccess.ReadWrite);
            var sync = DiskSync.Begin(file, NameOf(number));
            if (number == 5)
            {
                file.Dispose();
            }

            try
            {
                sync.Wait();
            }
            catch (ObjectDisposedException)
            {
                failures.Add(number);
            }
        });

        Assert.Equal([5], failures);
    }

    /// <summary>The system says of a file only once that the disk did not take it: who has the file must hear it, and nobody else.</summary>
    [Fact]
    public void A_file_that_was_lost_gets_no_name_and_the_others_do() => WriteAllButTheLost(files => files[0], Write, static _ => { });

    [Fact]
    public void As_many_compute_at_a_time_as_there_are_turns()
    {
        var computing = 0;
        var most = new ConcurrentBag<int>();
        var group = new SyncGroup(
            3,
            3,
            (_, _, _) =>
            {
                Thread.Sleep(5);
                return true;
            },
            Short);

        RunAll(group, Many, number =>
        {
            most.Add(Interlocked.Increment(ref computing));
            Thread.Sleep(1);
            Interlocked.Decrement(ref computing);
            DiskSync.FlushFolder(folder.Path);
            most.Add(Interlocked.Increment(ref computing));
            Interlocked.Decrement(ref computing);
        });

        Assert.InRange(most.Max(), 1, 3);
    }

    /// <summary>The one that has the lock gives its turn away while the disk works, and must get one back from those who wait for the lock.</summary>
    [Fact]
    public void Who_waits_for_a_lock_keeps_nobody_from_computing()
    {
        var target = folder.At("shared.json");

        RunAll(new SyncGroup(1, 1, (_, _, _) => true, Short), Many, number => DurableFile.WriteShared(target, [(byte)number]));

        Assert.Equal([target], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_large_piece_of_work_waits_for_nobody()
    {
        var group = new SyncGroup(1, 1, (_, _, _) => throw new InvalidOperationException(), Short);

        RunAll(1, _ => group.RunAlone(() => Write(7)));

        Assert.Equal([NameOf(7)], Directory.EnumerateFiles(folder.Path));
    }

    [Fact]
    public void Large_pieces_of_work_are_fewer_at_a_time_than_there_are_turns()
    {
        var computing = 0;
        var most = new ConcurrentBag<int>();
        var group = new SyncGroup(4, 2, (_, _, _) => true, Short);

        RunAll(Many, number => group.RunAlone(() =>
        {
            most.Add(Interlocked.Increment(ref computing));
            Thread.Sleep(1);
            Interlocked.Decrement(ref computing);
        }));

        Assert.InRange(most.Max(), 1, 2);
    }

    /// <summary>Its files are waited for when it is whole: a file that was lost is told then, by its name, and the folder gets none.</summary>
    [Fact]
    public void A_folder_of_which_a_file_was_lost_gets_no_name_and_the_others_do()
    {
        WriteAllButTheLost(
            files => files[^1],
            WriteFolder,
            error => Assert.StartsWith("file", Path.GetFileName(error.File), StringComparison.Ordinal));

        Assert.All(Directory.EnumerateDirectories(folder.Path), made => Assert.Equal(FilesOfFolder, Directory.EnumerateFiles(made).Count()), throwIfEmpty: true);
    }

    /// <summary>Has many written at a time, and one file lost: what it was of fails and gets no name, all others have theirs.</summary>
    private void WriteAllButTheLost(Func<IReadOnlyList<SafeFileHandle>, SafeFileHandle> choose, Action<int> write, Action<MigrationException> check)
    {
        using var allAreThere = new Barrier(Many);
        var lost = new ConcurrentBag<string>();
        var group = new SyncGroup(
            Many,
            Many,
            (files, _, lose) =>
            {
                lose(choose(files), new IOException("lost"));
                return false;
            },
            Long);

        RunAll(group, Many, number =>
        {
            allAreThere.SignalAndWait();
            try
            {
                write(number);
            }
            catch (MigrationException error)
            {
                Assert.Equal("lost", error.Problem);
                check(error);
                lost.Add(NameOf(number));
            }
        });

        Assert.Equal(Enumerable.Range(0, Many).Select(NameOf).Except([Assert.Single(lost)]), Directory.EnumerateFileSystemEntries(folder.Path).Order(StringComparer.Ordinal));
    }

    private void WriteFolder(int number)
    {
        using var made = DurableFolder.Create(NameOf(number), mayExist: false);
        for (var i = 0; i < FilesOfFolder; i++)
        {
            using var file = made.CreateFile(Path.Combine(made.WritePath, $"file{i}"));
            file.Write(stream => stream.WriteByte((byte)number));
            file.Commit();
        }

        made.Commit();
    }

    private string NameOf(int number) => folder.At($"{number:000}");

    private void Write(int number)
    {
        using var file = DurableFile.Create(NameOf(number), replace: false);
        file.Write(stream => stream.Write(System.Text.Encoding.ASCII.GetBytes($"{number}")));
        file.Commit();
    }

    private static void RunAll(SyncGroup group, int count, Action<int> work) => RunAll(count, number => group.Run(() => work(number)));

    private static void RunAll(int count, Action<int> work)
    {
        var failures = new ConcurrentBag<Exception>();
        Workers.Run(count, number =>
        {
            try
            {
                work(number);
            }
            catch (Exception error)
            {
                failures.Add(error);
            }
        });
        Assert.Empty(failures);
    }
}
