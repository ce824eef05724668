namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>
/// What a disk can hold after a power cut at any moment of a traced run. It is the weakest that filesystems promise, after the
/// abstract persistence model of ALICE (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014) and the states of
/// CrashMonkey (Mohan et al., "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing", OSDI 2018):
/// <list type="bullet">
/// <item>What a sync covers that had returned is there. A file's sync covers its bytes and its length, not its name; a folder's the names in it.</item>
/// <item>Of all else that was begun, anything may be there, in any order between files and folders.</item>
/// <item>A write may be there in part: any of its sectors. Where it is not, the file has what it had before, or zeros.</item>
/// <item>A file's lengths reach the disk in their order, and so do the names that one file gets and loses. A rename is all there or not at all.</item>
/// </list>
/// </summary>
internal sealed class CrashModel
{
    /// <summary>What a disk writes at once.</summary>
    private const int Sector = 512;

    private readonly TracedRun run;
    private readonly List<Chain> chains;
    private readonly Dictionary<(Node Node, string Writes), FileContent> known = [];

    /// <summary>The model of a run; some of its syncs did not take place where <paramref name="without"/> says so.</summary>
    public CrashModel(TracedRun run, params IReadOnlyCollection<Sync> without)
    {
        this.run = run;
        var syncs = run.Syncs.Except(without).ToList();
        chains =
        [
            .. run.Effects.GroupBy(effect => (effect.Node, IsOfNames: effect is NameEffect))
                .Select(effects => new Chain(effects.Key.Node, effects.Key.IsOfNames, [.. effects], syncs)),
        ];
        Moments = [.. run.Effects.Select(effect => effect.Begin + 1).Concat(run.Syncs.Select(sync => sync.End)).Append(run.Length).Distinct().Order()];
    }

    /// <summary>The moments between which there is nothing new.</summary>
    public IReadOnlyList<int> Moments { get; }

    /// <summary>What may or may not be on the disk at a moment: of each file, its names, and its bytes.</summary>
    public IEnumerable<Chain> Open(int moment) => chains.Where(chain => chain.Possible(moment) > chain.Certain(moment));

    /// <summary>The disk after a power cut.</summary>
    /// <param name="moment">When.</param>
    /// <param name="reach">How much of what is open got to the disk.</param>
    /// <param name="random">Decides what <see cref="Reach.Some"/> is.</param>
    public DiskState At(int moment, Func<Chain, Reach> reach, Random random)
    {
        var kept = new List<NameEffect>();
        foreach (var chain in chains.Where(chain => chain.IsOfNames))
        {
            kept.AddRange(chain.Effects.Take(Length(chain, moment, reach(chain), random)).Cast<NameEffect>());
        }

        var names = new Dictionary<(Node Folder, string Name), Node>(run.Names);
        foreach (var change in kept.OrderBy(effect => effect.End).SelectMany(effect => effect.Changes))
        {
            if (change.Node is { } node)
            {
                names[(change.Folder, change.Name)] = node;
            }
            else
            {
                names.Remove((change.Folder, change.Name));
            }
        }

        var bytes = chains.Where(chain => !chain.IsOfNames).ToDictionary(chain => chain.Node);
        return new DiskState(run.Root, names, file => bytes.TryGetValue(file, out var chain) ? Content(chain, moment, reach(chain), random) : file.Before);
    }

    /// <summary>How many of a chain's effects are there, of those that are there in their order.</summary>
    private static int Length(Chain chain, int moment, Reach reach, Random random)
    {
        var (least, most) = (chain.Certain(moment), chain.Possible(moment));
        return reach switch { Reach.Least => least, Reach.Most => most, _ => random.Next(least, most + 1) };
    }

    private FileContent Content(Chain chain, int moment, Reach reach, Random random)
    {
        var most = chain.Possible(moment);
        if (reach == Reach.Some && most > chain.Certain(moment))
        {
            return new FileContent(Build(chain, moment, Length(chain, moment, reach, random), _ => random.Next(3) switch { 0 => 0, 1 => 1, _ => 0.5 }, random));
        }

        // Few different files come of these, however many states have them.
        var length = Length(chain, moment, reach, random);
        var chance = reach == Reach.Least ? 0 : 1;
        var key = $"{length} {string.Concat(Enumerable.Range(0, most).Select(i => chain.IsCertain(i, moment) || chance == 1 ? '1' : '0'))}";
        if (!known.TryGetValue((chain.Node, key), out var content))
        {
            content = new FileContent(Build(chain, moment, length, _ => chance, random));
            known.Add((chain.Node, key), content);
        }

        return content;
    }

    /// <summary>Lays down what is there of a file.</summary>
    /// <param name="chain">What was done to it.</param>
    /// <param name="moment">When the power was cut.</param>
    /// <param name="lengths">How many of its changes of length are there.</param>
    /// <param name="chance">How likely each sector of an open write is there.</param>
    /// <param name="random">Decides about them.</param>
    private static byte[] Build(Chain chain, int moment, int lengths, Func<Effect, double> chance, Random random)
    {
        var content = chain.Node.Before.Bytes.ToArray();
        var size = content.Length;
        foreach (var (i, effect) in chain.Effects.Take(chain.Possible(moment)).Index())
        {
            if (effect is WriteEffect write)
            {
                size = i < lengths ? (int)Math.Max(size, write.Offset + write.Bytes.Length) : size;
                Array.Resize(ref content, (int)Math.Max(content.Length, write.Offset + write.Bytes.Length));
                var likely = chain.IsCertain(i, moment) ? 1 : chance(effect);
                foreach (var (start, end) in Sectors(write).Where(_ => random.NextDouble() < likely))
                {
                    write.Bytes.AsSpan(start, end - start).CopyTo(content.AsSpan((int)write.Offset + start));
                }
            }
            else if (effect is ResizeEffect resize && i < lengths)
            {
                size = (int)resize.Length;
                content.AsSpan(Math.Min(size, content.Length)..).Clear();
            }
        }

        Array.Resize(ref content, size);
        return content;
    }

    /// <summary>The parts of a write that lie in one sector each, as offsets in its bytes.</summary>
    private static IEnumerable<(int Start, int End)> Sectors(WriteEffect write)
    {
        for (var start = 0; start < write.Bytes.Length;)
        {
            var end = (int)Math.Min(write.Bytes.Length, start + Sector - ((write.Offset + start) % Sector));
            yield return (start, end);
            start = end;
        }
    }
}
