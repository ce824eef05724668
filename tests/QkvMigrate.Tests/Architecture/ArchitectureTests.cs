using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Architecture;

/// <summary>The library's folders use each other as <c>docs/architecture.md</c> draws it: one way, from the top to the bottom.</summary>
public sealed class ArchitectureTests
{
    private const string Library = "QkvMigrate";

    private static readonly IReadOnlyList<(string Folder, IReadOnlyList<string> Uses)> Drawn = Floors.Read();

    private static readonly IReadOnlyList<(IType User, IType Used)> Uses =
    [
        .. from type in new ArchLoader().LoadAssembly(typeof(MigrationException).Assembly).Build().Types
           where FolderOf(type) is not null
           from used in type.Dependencies.Select(dependency => dependency.Target).Distinct()
           where used is not GenericParameter && FolderOf(used) is not null && FolderOf(used) != FolderOf(type)
           select (type, used),
    ];

    [Fact]
    public void Each_folder_uses_those_that_are_drawn()
    {
        var allowed = Drawn.ToDictionary(floor => floor.Folder, floor => floor.Uses);
        Assert.Empty(
            from use in Uses
            where !allowed[FolderOf(use.User)!].Contains(FolderOf(use.Used)!)
            select $"{use.User.FullName} uses {use.Used.FullName}, and {FolderOf(use.User)} must not use {FolderOf(use.Used)}");
    }

    /// <summary>A drawing in which each folder uses only those above it in the table has no circle.</summary>
    [Fact]
    public void The_drawing_has_no_circle()
    {
        for (var i = 0; i < Drawn.Count; i++)
        {
            Assert.Empty(Drawn[i].Uses.Except(Drawn.Take(i).Select(floor => floor.Folder)));
        }
    }

    [Fact]
    public void Each_folder_is_drawn()
    {
        var source = Repository.At("src", Library);
        var folders = Directory.EnumerateDirectories(source).Select(folder => Path.GetFileName(folder)!).Except(["bin", "obj"]).Append(Floors.Root);
        Assert.Equal(folders.Order(StringComparer.Ordinal), Drawn.Select(floor => floor.Folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_line_that_is_drawn_is_there()
    {
        var used = Uses.Select(use => (FolderOf(use.User)!, FolderOf(use.Used)!)).ToHashSet();
        Assert.Empty(
            from floor in Drawn.SkipLast(1)
            from target in floor.Uses
            where !used.Contains((floor.Folder, target))
            select $"{floor.Folder} does not use {target}");
    }

    /// <summary>The verifier must be able to catch what plans and writes: neither is in it, nor in anything that it uses.</summary>
    [Fact]
    public void Nothing_that_plans_or_writes_is_in_reach_of_the_verifier()
    {
        var reached = new HashSet<string>();
        var pending = new Stack<string>(["Verification"]);
        while (pending.TryPop(out var folder))
        {
            if (reached.Add(folder))
            {
                foreach (var use in Drawn.Single(floor => floor.Folder == folder).Uses)
                {
                    pending.Push(use);
                }
            }
        }

        Assert.Contains("Checkpoints", reached);
        Assert.Empty(reached.Intersect(["Layouts", "Planning", "Exporting", "Reordering", "Writing", "Running"]));
    }

    /// <summary>The folder of a type of the library, or null where it is none of its own: generated code, other assemblies.</summary>
    private static string? FolderOf(IType type) => type.Namespace?.FullName.Split('.') switch
    {
        [Library] => Floors.Root,
        [Library, var folder, ..] => folder,
        _ => null,
    };
}
