using System.Globalization;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>All tensors that an exported model must have, worked out from the checkpoint and the verifier's table.</summary>
internal sealed class ExpectedModel
{
    private static readonly string[] Kinds = ["weight", "bias"];

    private readonly OriginalModel original;
    private readonly ModelConfiguration model;
    private readonly HashSet<string> used = [];
    private readonly List<ExpectedTensor> tensors = [];

    private ExpectedModel(OriginalModel original, ModelConfiguration model)
    {
        this.original = original;
        this.model = model;
    }

    /// <summary>The tensors.</summary>
    /// <param name="original">The checkpoint's model.</param>
    /// <param name="model">Its configuration.</param>
    /// <param name="family">What it must have become.</param>
    /// <param name="log">Takes what of the checkpoint has no place in the family, and what of the family is not in the checkpoint.</param>
    /// <exception cref="MigrationException">The checkpoint's tensors are not those of its configuration.</exception>
    public static IReadOnlyList<ExpectedTensor> Of(OriginalModel original, ModelConfiguration model, VerifiedFamily family, DifferenceLog log)
    {
        var expected = new ExpectedModel(original, model);
        foreach (var module in family.Modules)
        {
            if (family.TiesHead && module.Parts is [{ Module: "lm_head" }])
            {
                expected.used.UnionWith(Kinds.Select(kind => $"lm_head.{kind}"));
                continue;
            }

            expected.Add(module, log);
        }

        foreach (var name in original.Tensors.Keys.Where(name => !expected.used.Contains(FusedName.Today(name))).Order(StringComparer.Ordinal))
        {
            log.Add($"tensor '{name}'", $"the first file has it, and models of {family.Architecture} have no place for it");
        }

        return expected.tensors;
    }

    private void Add(VerifiedModule module, DifferenceLog log)
    {
        var numbers = Numbers(module.Name).ToList();
        foreach (var kind in Kinds)
        {
            var found = numbers.ConvertAll(number => module.Parts.Select(part => Find($"{Numbered(part.Module, number)}.{kind}")).ToList());
            if (found.TrueForAll(parts => parts.TrueForAll(part => part is null)))
            {
                if (kind == Kinds[0])
                {
                    log.Add($"tensor '{Numbered(module.Name, numbers[0])}.{kind}'", "the first file has nothing of which it could be made");
                }

                continue;
            }

            foreach (var (number, parts) in numbers.Zip(found))
            {
                tensors.Add(Make(module, number, kind, parts));
            }
        }
    }

    private ExpectedTensor Make(VerifiedModule module, int[] number, string kind, List<TensorEntry?> parts)
    {
        var name = $"{Numbered(module.Name, number)}.{kind}";
        var rows = module.Parts.Zip(parts, (part, tensor) => new ExpectedRows(
            tensor ?? throw Refused($"'{Numbered(part.Module, number)}.{kind}' is missing in it, which other layers have"),
            part.Rows,
            original.Layout,
            model.Geometry)).ToList();
        IReadOnlyList<long> shape = kind == Kinds[0] && module.Columns is { } columns ? [module.Rows(model), columns(model)] : [module.Rows(model)];
        foreach (var part in rows)
        {
            var wanted = part.Rows == VerifiedRows.All ? module.Rows(model) / rows.Count : model.Geometry.FusedRows;
            if (part.Source.Shape.Count != shape.Count || part.Source.Shape[0] != wanted || !part.Source.Shape.Skip(1).SequenceEqual(shape.Skip(1)))
            {
                throw Refused($"tensor '{part.Source.Label}' has shape ({string.Join(", ", part.Source.Shape)}), which is not that of its configuration");
            }
        }

        return new ExpectedTensor(name, shape, rows);
    }

    private TensorEntry? Find(string name)
    {
        used.Add(name);
        return original.Tensors.GetValueOrDefault(name) ?? VerifiedLayouts.All
            .Select(layout => original.Tensors.GetValueOrDefault(In(layout, name)))
            .FirstOrDefault(tensor => tensor is not null);
    }

    /// <summary>The name of a tensor in a layout, where it is of the fused module.</summary>
    private static string In(VerifiedLayout layout, string name)
    {
        var fused = $".{FusedName.Block}.{VerifiedLayouts.All[^1].Module}.";
        return name.Replace(fused, $".{FusedName.Block}.{layout.Module}.", StringComparison.Ordinal);
    }

    /// <summary>The numbers of all modules that a name stands for: of the layer, and of the expert.</summary>
    private IEnumerable<int[]> Numbers(string name) => name.Count(letter => letter == '#') switch
    {
        0 => [[]],
        1 => Enumerable.Range(0, model.LayerCount).Select(layer => new[] { layer }),
        _ => Enumerable.Range(0, model.LayerCount).SelectMany(layer => Enumerable.Range(0, model.Experts!.Count).Select(expert => new[] { layer, expert })),
    };

    private static string Numbered(string name, int[] numbers)
    {
        foreach (var number in numbers)
        {
            var at = name.IndexOf('#', StringComparison.Ordinal);
            name = $"{name[..at]}{number.ToString(CultureInfo.InvariantCulture)}{name[(at + 1)..]}";
        }

        return name;
    }

    private MigrationException Refused(string problem) => new(FailureKind.Malformed, problem, original.Files[0].Source.Path);
}
