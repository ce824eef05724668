using System.Globalization;
using QkvMigrate.Attention;
using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Verification.Exports;

/// <summary>The matrices that an adapter of PEFT's must have, worked out from LitGPT's LoRA and the verifier's table.</summary>
/// <param name="original">The LoRA.</param>
/// <param name="model">The configuration of its model.</param>
/// <param name="newRank">The adapter's rank.</param>
internal sealed class ExpectedAdapter(OriginalModel original, ModelConfiguration model, long newRank)
{
    private readonly Dictionary<TensorEntry, string> names = original.Tensors.ToDictionary(
        entry => entry.Value,
        entry => FusedName.Today(entry.Key),
        (IEqualityComparer<TensorEntry>)ReferenceEqualityComparer.Instance);

    /// <summary>The matrices.</summary>
    /// <param name="family">The family of the model.</param>
    /// <param name="pairs">The layers.</param>
    /// <param name="choice">Which of q, k and v have LoRA.</param>
    /// <param name="isByRow">Whether row i of the fused delta was added to row i of the interleaved matrix.</param>
    /// <exception cref="MigrationException">A layer is none of the family's.</exception>
    public IReadOnlyList<ExpectedMatrix> Of(VerifiedFamily family, IReadOnlyList<LoraPair> pairs, bool[] choice, bool isByRow) =>
        [.. pairs.SelectMany(pair => pair.IsFused ? Fused(family, pair, choice, isByRow) : Plain(family, pair))];

    private IEnumerable<ExpectedMatrix> Plain(VerifiedFamily family, LoraPair pair)
    {
        var (module, number) = ModuleOf(pair);
        var target = family.Modules.FirstOrDefault(one => one.Parts is [{ Rows: VerifiedRows.All } part] && part.Module == module)?.Name ?? throw Refused(pair);
        return
        [
            Matrix(target, number, "A", pair.A, newRank, pair.A.Shape[1], (row, column) => row < pair.Rank ? (row, column) : null),
            Matrix(target, number, "B", pair.B, pair.B.Shape[0], newRank, (row, column) => column < pair.Rank ? (row, column) : null),
        ];
    }

    private IEnumerable<ExpectedMatrix> Fused(VerifiedFamily family, LoraPair pair, bool[] choice, bool isByRow)
    {
        var number = ModuleOf(pair).Number;
        var geometry = model.Geometry;
        long[] rows = [geometry.ProjectionColumns, (long)geometry.QueryGroupCount * geometry.HeadSize, (long)geometry.QueryGroupCount * geometry.HeadSize];
        foreach (var (section, kind) in new[] { VerifiedRows.Query, VerifiedRows.Key, VerifiedRows.Value }.Index())
        {
            var target = family.Modules.Single(one => one.Parts is [var part] && part.Rows == kind).Name;
            if (isByRow)
            {
                // Any of the three may mix rows of all A's: each has all of A.
                yield return Matrix(target, number, "A", pair.A, newRank, pair.A.Shape[1], (row, column) => (row, column));
                yield return Matrix(target, number, "B", pair.B, rows[section], newRank, (row, column) =>
                {
                    var (head, within) = Math.DivRem(row, geometry.HeadSize);
                    var fused = (VerifiedLayouts.Interleaved.PlaceOf(new FusedHead((QkvSection)section, head), geometry) * geometry.HeadSize) + within;
                    return Delta(fused, rows, choice) is var (rowOfB, block) && column / pair.Rank == block ? (rowOfB, column % pair.Rank) : null;
                });
            }
            else if (choice[section])
            {
                var first = rows.Take(section).Where((_, other) => choice[other]).Sum();
                var block = choice.Take(section).Count(enabled => enabled);
                yield return Matrix(target, number, "A", pair.A, pair.Rank, pair.A.Shape[1], (row, column) => ((block * pair.Rank) + row, column));
                yield return Matrix(target, number, "B", pair.B, rows[section], pair.Rank, (row, column) => (first + row, column));
            }
        }
    }

    /// <summary>The row of B and the block of A of a row of the whole delta, <c>[B_q·A_q; B_k·A_k; B_v·A_v]</c>; null where it is zero.</summary>
    private static (long RowOfB, long Block)? Delta(long row, long[] rows, bool[] choice)
    {
        var (firstOfB, block) = (0L, 0L);
        for (var section = 0; section < rows.Length; section++)
        {
            if (row < rows[section])
            {
                return choice[section] ? (firstOfB + row, block) : null;
            }

            row -= rows[section];
            firstOfB += choice[section] ? rows[section] : 0;
            block += choice[section] ? 1 : 0;
        }

        return null;
    }

    private static ExpectedMatrix Matrix(
        string target,
        string number,
        string half,
        TensorEntry source,
        long rows,
        long columns,
        Func<long, long, (long Row, long Column)?> origin) =>
        new(
            $"base_model.model.{target.Replace("#", number, StringComparison.Ordinal)}.lora_{half}.weight",
            target.Split('.')[^1],
            source,
            rows,
            columns,
            origin);

    /// <summary>LitGPT's module as the table has it, and the number of its layer.</summary>
    private (string Module, string Number) ModuleOf(LoraPair pair)
    {
        var steps = names[pair.A].Split('.')[..^1];
        var at = Array.FindIndex(steps, step => int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return at < 0 ? (string.Join('.', steps), "") : (string.Join('.', [.. steps[..at], "#", .. steps[(at + 1)..]]), steps[at]);
    }

    private static MigrationException Refused(LoraPair pair) =>
        new(FailureKind.Unsupported, "PEFT's adapters of the family have no place for it", pair.A.Storage.Source.Path, $"tensor '{pair.A.Label}'");
}
