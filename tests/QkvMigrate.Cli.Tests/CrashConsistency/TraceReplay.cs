using System.Globalization;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>
/// Makes effects of a program's calls, by doing the same to a picture of the folder in memory. Permissions, owners and times are no
/// part of it. A call that it does not know and that concerns the folder is told.
/// </summary>
internal sealed class TraceReplay
{
    private readonly NameSpace names;
    private readonly IReadOnlyDictionary<(Node Folder, string Name), Node> before;
    private readonly Dictionary<long, Node> open = [];
    private readonly Dictionary<long, string> opened = [];
    private readonly Dictionary<Node, byte[]> contents = [];
    private readonly List<Effect> effects = [];
    private readonly List<Sync> syncs = [];

    /// <summary>Takes the picture of <paramref name="root"/>, which the program is about to change.</summary>
    public TraceReplay(string root)
    {
        names = new NameSpace(root);
        before = names.Copy();
    }

    /// <summary>What the program did.</summary>
    public TracedRun Run(IReadOnlyList<SystemCall> calls)
    {
        // A descriptor is free for others as soon as the call that closes it has begun.
        foreach (var call in calls.OrderBy(call => call.Name == "close" ? call.Begin : call.End))
        {
            Run(call);
        }

        return new TracedRun(names.Root, before, effects, syncs, calls.Max(call => call.End) + 1);
    }

    private void Run(SystemCall call)
    {
        switch (call.Name)
        {
            case "open":
                Open(call, 0);
                break;
            case "openat":
                Open(call, 1);
                break;
            case "close":
                open.Remove(call.Number(0));
                break;
            case "pwrite64" when Opened(call, 0) is { } file:
                Write(call, file, call.Number(3), call.Bytes(1)[..(int)call.Result]);
                break;
            case "copy_file_range" when Opened(call, 2) is { } file:
                Write(call, file, Offset(call, 3), Range(Opened(call, 0)!, Offset(call, 1), call.Result));
                break;
            case "ioctl" when Opened(call, 0) is { } file && call.Arguments[1].Contains("CLONE", StringComparison.Ordinal):
                Write(call, file, 0, Content(Opened(call, 2)!));
                break;
            case "ftruncate" when Opened(call, 0) is { } file:
                Resize(call, file, call.Number(1));
                break;
            case "fallocate" when Opened(call, 0) is { } file && call.Arguments[1] == "0":
                Resize(call, file, Math.Max(Content(file).Length, call.Number(2) + call.Number(3)));
                break;
            case "fsync" or "fdatasync" when Opened(call, 0) is { } synced:
                syncs.Add(new Sync(call.Begin, call.End, synced, opened[call.Number(0)]));
                break;
            case "sync" or "syncfs":
                syncs.Add(new Sync(call.Begin, call.End, null, "all"));
                break;
            case "rename" or "link" or "symlink" or "unlink" or "mkdir" or "rmdir":
                ChangeNames(call, call.Name, 0, 1);
                break;
            case "renameat" or "linkat":
                ChangeNames(call, call.Name[..^2], 1, 3);
                break;
            case "renameat2" when !call.Has(4, "RENAME_EXCHANGE"):
                ChangeNames(call, "rename", 1, 3);
                break;
            case "unlinkat" or "mkdirat":
                ChangeNames(call, call.Name[..^2], 1, 1);
                break;
            case "sync_file_range":
                // Only a hint.
                break;
            case "mmap" when !(call.Has(3, "MAP_SHARED") && call.Has(2, "PROT_WRITE")):
                break;
            default:
                Refuse(call);
                break;
        }
    }

    private void Open(SystemCall call, int path)
    {
        var place = names.Place(call.Path(path));
        var node = names.Find(call.Path(path), follow: !call.Has(path + 1, "O_NOFOLLOW"));
        if (node is null && place is { } made && call.Has(path + 1, "O_CREAT"))
        {
            node = new Node(NodeKind.File);
            Name(call, node, new NameChange(made.Folder, made.Name, node));
        }

        if (node is null)
        {
            open.Remove(call.Result);
            return;
        }

        open[call.Result] = node;
        opened[call.Result] = names.Below(call.Path(path));
        if (call.Has(path + 1, "O_TRUNC") && Content(node).Length > 0)
        {
            Resize(call, node, 0);
        }
    }

    private void ChangeNames(SystemCall call, string kind, int first, int second)
    {
        if (kind == "symlink")
        {
            if (names.Place(call.Path(second)) is { } link)
            {
                var node = new Node(NodeKind.Link) { Text = call.Path(first) };
                Name(call, node, new NameChange(link.Folder, link.Name, node));
            }

            return;
        }

        if (names.Place(call.Path(first)) is not { } place)
        {
            return;
        }

        if (kind == "mkdir")
        {
            var folder = new Node(NodeKind.Folder);
            Name(call, folder, new NameChange(place.Folder, place.Name, folder));
            return;
        }

        var named = names[place.Folder, place.Name]!;
        var old = new NameChange(place.Folder, place.Name, null);
        if (kind is "unlink" or "rmdir")
        {
            Name(call, named, old);
            return;
        }

        var target = names.Place(call.Path(second)) ?? throw new InvalidDataException($"{call.Name} leads out of the folder");
        var renewed = new NameChange(target.Folder, target.Name, named);
        if (kind == "link")
        {
            Name(call, named, renewed);
        }
        else if (names[target.Folder, target.Name] != named)
        {
            // Two names of one file both stay (rename(2)).
            Name(call, named, old, renewed);
        }
    }

    private void Name(SystemCall call, Node node, params IReadOnlyList<NameChange> changes)
    {
        foreach (var change in changes)
        {
            names.Apply(change);
        }

        effects.Add(new NameEffect(call.Begin, call.End, node, changes));
    }

    private void Write(SystemCall call, Node file, long offset, byte[] bytes)
    {
        effects.Add(new WriteEffect(call.Begin, call.End, file, offset, bytes));
        var content = Content(file);
        Array.Resize(ref content, (int)Math.Max(content.Length, offset + bytes.Length));
        bytes.CopyTo(content, offset);
        contents[file] = content;
    }

    private void Resize(SystemCall call, Node file, long length)
    {
        effects.Add(new ResizeEffect(call.Begin, call.End, file, length));
        var content = Content(file);
        Array.Resize(ref content, (int)length);
        contents[file] = content;
    }

    private byte[] Content(Node file) => contents.GetValueOrDefault(file) ?? [.. file.Before.Bytes];

    private byte[] Range(Node file, long offset, long length) => Content(file).AsSpan((int)offset, (int)length).ToArray();

    /// <summary>An offset as strace writes it: <c>[4096]</c>, or both before and after the call.</summary>
    private static long Offset(SystemCall call, int argument) =>
        long.Parse(call.Arguments[argument].Trim('[', ']').Split([' ', ']'])[0], CultureInfo.InvariantCulture);

    private Node? Opened(SystemCall call, int argument) => open.GetValueOrDefault(call.Number(argument));

    /// <summary>Tells of a call that this does not know, unless it concerns other files.</summary>
    private void Refuse(SystemCall call)
    {
        var written = call.Name switch { "mmap" => 4, "splice" => 2, _ => 0 };
        var isOpened = call.Name != "ioctl" && long.TryParse(call.Arguments[written], out var number) && open.ContainsKey(number);
        if (isOpened || (call.Arguments[0].StartsWith('"') && names.Place(call.Path(0)) is not null))
        {
            throw new InvalidDataException($"the model does not know this: {call.Name}({string.Join(", ", call.Arguments)})");
        }
    }
}
