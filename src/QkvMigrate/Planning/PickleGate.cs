using QkvMigrate.Checkpoints;
using QkvMigrate.Pickling.Policy;

namespace QkvMigrate.Planning;

/// <summary>
/// Decides whether a checkpoint is worked on, by what its pickles name. This tool runs none of it. But whoever
/// upgrades a checkpoint is about to load it, and trusts a file that a tool wrote more than one that a stranger sent.
/// </summary>
internal static class PickleGate
{
    private const int NamesInAdvice = 5;

    /// <summary>Refuses what can run code, unless the user allows it; tells what is not known.</summary>
    /// <exception cref="MigrationException">A pickle names something by which loading it can run code.</exception>
    public static IReadOnlyList<Advice> Check(Checkpoint checkpoint, bool allowUnsafe)
    {
        var dangerous = checkpoint.Globals.Where(use => use.Safety == GlobalSafety.Dangerous).ToList();
        if (dangerous.Count > 0 && !allowUnsafe)
        {
            var first = dangerous[0];
            var others = dangerous.Count > 1 ? $", and {dangerous.Count - 1} more of the kind" : "";
            throw new MigrationException(
                FailureKind.Unsafe,
                $"the pickle names {first.Name} ({first.Why}), so that loading it in PyTorch can run code{others}; "
                + "--allow-unsafe-pickle goes on all the same",
                checkpoint.Source.Path,
                first.Where,
                first.Offset);
        }

        var advice = new List<Advice>();
        if (dangerous.Count > 0)
        {
            advice.Add(new Advice("pickle-unsafe-global", $"loading this file in PyTorch can run code: its pickle names {Names(dangerous)}"));
        }

        if (checkpoint.Globals.Where(use => use.Safety == GlobalSafety.Unknown).ToList() is { Count: > 0 } unknown)
        {
            advice.Add(new Advice(
                "pickle-unknown-global",
                $"the pickle names what this tool knows nothing of, and carries it over as it is: {Names(unknown)}"));
        }

        return advice;
    }

    private static string Names(IEnumerable<GlobalUse> uses)
    {
        var names = uses.Select(use => use.Name).Distinct().ToList();
        return string.Join(", ", names.Take(NamesInAdvice)) + (names.Count > NamesInAdvice ? $" and {names.Count - NamesInAdvice} more" : "");
    }
}
