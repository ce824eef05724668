using static QkvMigrate.Testing.Pickles.TorchCode;

namespace QkvMigrate.Tests.Verification.Mutants;

/// <summary>The objects of a training state, as pieces of code, and each single thing that can be wrong with its optimizer.</summary>
/// <param name="Weights">The model: names and the code of tensors.</param>
/// <param name="State">What the optimizer keeps: the code of a parameter's key, and what is under it.</param>
/// <param name="Parameters">The keys in the group.</param>
/// <param name="Names">The group's <c>param_names</c>, or null.</param>
internal sealed record Training(
    IReadOnlyList<(string Name, string Tensor)> Weights,
    IReadOnlyList<(string Key, IReadOnlyList<(string Name, string Value)> Kept)> State,
    IReadOnlyList<string> Parameters,
    IReadOnlyList<string>? Names)
{
    private int Rate { get; init; } = 1;

    private bool HasOptimizer { get; init; } = true;

    private bool HasState { get; init; } = true;

    private bool HasGroups { get; init; } = true;

    /// <summary>The code of all objects.</summary>
    public string Code()
    {
        (string, string)[] lists = Names is null ? [] : [("param_names", List(Names.Select(Text)))];
        var group = Dict([("lr", Int(Rate)), ("params", List(Parameters)), .. lists]);
        var state = $"}}({string.Concat(State.Select(entry => entry.Key + Dict(entry.Kept)))}u";
        var optimizer = Dict([.. HasState ? [("state", state)] : Array.Empty<(string, string)>(), .. HasGroups ? [("param_groups", List(group))] : Array.Empty<(string, string)>()]);
        (string, string)[] kept = HasOptimizer ? [("optimizer", optimizer)] : [];
        return Dict([("model", Dict(Weights)), .. kept, ("iter_num", Int(7))]);
    }

    /// <summary>The same without its optimizer.</summary>
    public Training WithoutOptimizer() => this with { HasOptimizer = false };

    /// <summary>What is left of an optimizer that was not dropped whole: nothing but one entry, one parameter's state, the groups, or empty dicts.</summary>
    public IEnumerable<Training> HalfDropped()
    {
        yield return this with { HasState = false, HasGroups = false };
        yield return this with { HasState = false };
        yield return this with { State = [] };
        yield return this with { State = [], HasGroups = false };
        yield return this with { HasGroups = false };
        foreach (var entry in State)
        {
            yield return this with { State = [entry] };
            yield return this with { State = [entry], HasGroups = false };
            foreach (var one in entry.Kept)
            {
                yield return this with { State = [(entry.Key, [one])] };
            }
        }
    }

    /// <summary>Each with one thing wrong.</summary>
    /// <param name="oldNames">The names that the parameters had, as the state's keys and <c>param_names</c> give them.</param>
    public IEnumerable<(string What, Training Mutant)> Mutants(IReadOnlyList<string> oldNames) =>
        [.. Entries(), .. Exchanged(), .. Keys(), .. Names is { } names ? Named(names, oldNames) : [], .. oldNames.Select(OldKey).OfType<(string, Training)>(), ("another rate", this with { Rate = 2 })];

    private IEnumerable<(string What, Training Mutant)> Entries()
    {
        for (var i = 0; i < State.Count; i++)
        {
            var (key, kept) = State[i];
            yield return ($"no state of {i}", this with { State = [.. State.Where((_, at) => at != i)] });
            yield return ($"an empty state of {i}", With(i, (key, [])));
            yield return ($"more in the state of {i}", With(i, (key, [.. kept, ("more", Int(1))])));
            yield return ($"entries of {i} in another order", With(i, (key, [.. kept.Reverse()])));
            for (var j = 0; j < kept.Count; j++)
            {
                yield return ($"no {kept[j].Name} of {i}", With(i, (key, [.. kept.Where((_, at) => at != j)])));
                yield return ($"another name of {kept[j].Name} of {i}", With(i, (key, [.. kept.Select((one, at) => at == j ? (one.Name + "s", one.Value) : one)])));
                yield return ($"None for {kept[j].Name} of {i}", With(i, (key, [.. kept.Select((one, at) => at == j ? (one.Name, "N") : one)])));
            }
        }
    }

    /// <summary>Two tensors of the state, or of state and model, in each other's place; or one of them in both places.</summary>
    private IEnumerable<(string What, Training Mutant)> Exchanged()
    {
        var tensors = State.SelectMany(entry => entry.Kept).Select(one => one.Value).Where(code => code.Contains("rebuild", StringComparison.Ordinal)).Concat(Weights.Select(weight => weight.Tensor)).ToList();
        for (var i = 0; i < tensors.Count; i++)
        {
            for (var j = i + 1; j < tensors.Count; j++)
            {
                var (one, other) = (tensors[i], tensors[j]);
                yield return ($"tensors {i} and {j} exchanged", Replaced(code => code == one ? other : code == other ? one : code));
                yield return ($"tensor {i} for {j}", Replaced(code => code == other ? one : code));
            }
        }
    }

    private IEnumerable<(string What, Training Mutant)> Keys()
    {
        for (var i = 0; i < Parameters.Count; i++)
        {
            yield return ($"no parameter {i}", this with { Parameters = [.. Parameters.Where((_, at) => at != i)] });
            for (var j = i + 1; j < Parameters.Count; j++)
            {
                yield return ($"parameters {i} and {j} exchanged", this with { Parameters = Exchange(Parameters, i, j) });
                yield return ($"states {i} and {j} in another order", this with { State = Exchange(State, i, j) });
            }
        }
    }

    private IEnumerable<(string What, Training Mutant)> Named(IReadOnlyList<string> names, IReadOnlyList<string> oldNames)
    {
        for (var i = 0; i < names.Count; i++)
        {
            yield return ($"no name {i}", this with { Names = [.. names.Where((_, at) => at != i)] });
            foreach (var other in names.Concat(oldNames).Append("x").Where(name => name != names[i]).Distinct())
            {
                yield return ($"{other} for name {i}", this with { Names = [.. names.Select((name, at) => at == i ? other : name)] });
            }
        }

        yield return ("all old names", this with { Names = oldNames });
        yield return ("no names", this with { Names = null });
    }

    /// <summary>The name that a parameter had, where the state or the group has its new one as a key.</summary>
    private (string What, Training Mutant)? OldKey(string old)
    {
        var (before, after) = (Text(old), Text(old.Replace("attn.attn", "attn.qkv", StringComparison.Ordinal)));
        return before == after || !Parameters.Contains(after)
            ? null
            : ($"the old key {old}", this with
            {
                Parameters = [.. Parameters.Select(key => key == after ? before : key)],
                State = [.. State.Select(entry => entry.Key == after ? (before, entry.Kept) : entry)],
            });
    }

    private Training With(int place, (string, IReadOnlyList<(string, string)>) entry) => this with { State = [.. State.Select((old, at) => at == place ? entry : old)] };

    private Training Replaced(Func<string, string> change) => this with
    {
        Weights = [.. Weights.Select(weight => (weight.Name, change(weight.Tensor)))],
        State = [.. State.Select(entry => (entry.Key, (IReadOnlyList<(string, string)>)[.. entry.Kept.Select(one => (one.Name, change(one.Value)))]))],
    };

    private static IReadOnlyList<T> Exchange<T>(IReadOnlyList<T> items, int one, int other) =>
        [.. items.Select((item, at) => at == one ? items[other] : at == other ? items[one] : item)];
}
