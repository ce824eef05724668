using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Reordering;
using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Trees;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>A tree, its output, and what a simple model says must hold of both after each step.</summary>
internal sealed partial class MirroredTree : IDisposable
{
    /// <summary>The kinds of steps.</summary>
    public const int Kinds = 22;

    private static readonly string[] Units = ["", "a", "a/x", "b"];
    private static readonly string[] Names = ["lit_model.pth", "two.pth"];
    private static readonly string[] Patterns = ["lit_model.pth", "two.pth", "a", "b", "a/x"];

    private readonly WorkFolder folder = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
    private readonly StreamReorderEngine engine = new();

    /// <summary>The checkpoints of the source: version, and whether it is sequential.</summary>
    private readonly Dictionary<string, (int Version, bool IsSequential)> source = new(StringComparer.Ordinal);

    /// <summary>Files in the output that are the user's: their digests.</summary>
    private readonly Dictionary<string, string> mine = new(StringComparer.Ordinal);

    /// <summary>Results that the user took away.</summary>
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    /// <summary>Checkpoints that runs were asked for.</summary>
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    private int clock = 1000;

    public MirroredTree()
    {
        foreach (var unit in Units)
        {
            Directory.CreateDirectory(Source(unit));
            File.WriteAllText(Source(unit, "model_config.yaml"), Versions.Configuration);
            WriteSource(Path.Combine(unit, "lit_model.pth"), isSequential: false);
        }

        Directory.CreateDirectory(folder.At("other", "b"));
        File.WriteAllBytes(folder.At("other", "b", "lit_model.pth"), Versions.Legacy(999));
        File.WriteAllText(folder.At("other", "b", "model_config.yaml"), Versions.Configuration);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Takes one step, and looks whether all holds.</summary>
    public void Take(Step step)
    {
        var unit = step.First(Units);
        var checkpoint = Path.Combine(unit, step.Second(Names));
        switch (step.Kind)
        {
            case 0:
                WriteSource(checkpoint, isSequential: false);
                break;
            case 1:
                WriteSource(checkpoint, isSequential: true);
                break;
            case 2:
                File.Delete(Source(checkpoint));
                source.Remove(checkpoint);
                break;
            case 3:
                RemoveUnit(unit);
                break;
            case 4 when File.Exists(Source(unit, "model_config.yaml")):
                File.Delete(Source(unit, "model_config.yaml"));
                break;
            case 4:
                WriteText(Source(unit, "model_config.yaml"), Versions.Configuration);
                break;
            case 5 when step.C % 2 == 0:
                WriteText(Source(unit, "notes.txt"), $"notes {clock++}");
                break;
            case 5:
                File.Delete(Source(unit, "notes.txt"));
                break;
            case 6 when Files() is { Count: > 0 } files:
                File.AppendAllText(Output(step.First(files)), $"worked on {clock++}");
                mine[step.First(files)] = Digest(step.First(files));
                break;
            case 7 when Files() is { Count: > 0 } files:
                File.Delete(Output(step.First(files)));
                mine.Remove(step.First(files));
                taken.Add(step.First(files));
                break;
            case 8 when step.Second(["notes.txt", "own.txt", "lit_model.pth", "two.pth", "model_config.yaml"]) is var name && !File.Exists(Output(unit, name)):
                WriteText(Output(unit, name), $"mine {clock++}");
                mine[Path.Combine(unit, name)] = Digest(Path.Combine(unit, name));
                break;
            case 9 or 10:
                Run();
                break;
            case 11:
                Run(selection: new CheckpointSelection([step.Third(Patterns)], []));
                break;
            case 12:
                Run(selection: new CheckpointSelection([], [step.Third(Patterns)]));
                break;
            case 13 or 14:
                var count = (step.B % 3) + 1;
                Run(part: WorkPart.TryParse($"{(step.A % count) + 1}/{count}", out var part) ? part : null);
                break;
            case 15:
                Run(request => request with { Force = true });
                break;
            case 16:
                RunRefused(request => request with { Direction = MigrationDirection.Downgrade });
                break;
            case 17:
                RunRefused(request => request with { Path = folder.At("other") });
                break;
            case 18 or 19:
                Interrupt(step.A, isKill: true, step.C % 4 == 0);
                break;
            case 20:
                Interrupt(step.A, isKill: false, step.C % 4 == 0);
                break;
            case 21:
                RunTwice(step.C % 2 == 0 ? CheckpointSelection.All : new CheckpointSelection([step.Second(Patterns)], []));
                break;
        }
    }

    private void WriteSource(string checkpoint, bool isSequential)
    {
        var version = clock++;
        Directory.CreateDirectory(Path.GetDirectoryName(Source(checkpoint))!);
        File.WriteAllBytes(Source(checkpoint), isSequential ? Versions.Sequential(version % 40) : Versions.Legacy(version % 40));
        File.SetLastWriteTimeUtc(Source(checkpoint), DateTime.UnixEpoch.AddDays(version));
        source[checkpoint] = (version % 40, isSequential);
    }

    private static void WriteText(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void RemoveUnit(string unit)
    {
        foreach (var file in Directory.Exists(Source(unit)) ? Directory.GetFiles(Source(unit)) : [])
        {
            File.Delete(file);
            source.Remove(Path.GetRelativePath(Source(), file));
        }
    }

    private IReadOnlyList<ManifestEntry> Entries() => [.. new OutputAccount(Output()).Entries.ReadAll()];

    /// <summary>Results, as they were written, of checkpoints that are gone.</summary>
    private IReadOnlyList<(string File, string Digest)> Orphans() =>
    [
        .. Entries().SelectMany(entry => entry.Known().Where(file => file.Source is { } checkpoint && !File.Exists(Source(entry.Path, checkpoint))).Select(file => (File: Path.Combine(entry.Path, file.Path), Digest: file.Sha256)))
            .Where(orphan => File.Exists(Output(orphan.File)) && Digest(orphan.File) == orphan.Digest),
    ];

    /// <summary>What stands in the output, but for the account and what is being written.</summary>
    private IReadOnlyList<string> Files() => !Directory.Exists(Output()) ? [] :
    [
        .. Directory.EnumerateFiles(Output(), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Output(), file))
            .Where(file => file != "SHA256SUMS" && !file.Split('/').Any(name => name == ".qkvmigrate" || TemporaryName.Is(name)))
            .Order(StringComparer.Ordinal),
    ];

    private string Digest(string file) => File.Exists(Output(file)) ? FileDigest.Whole(Output(file), CancellationToken.None) : "gone";

    private string Source(params string[] names) => Path.TrimEndingDirectorySeparator(folder.At(["source", .. names]));

    private string Output(params string[] names) => Path.TrimEndingDirectorySeparator(folder.At(["output", .. names]));
}
