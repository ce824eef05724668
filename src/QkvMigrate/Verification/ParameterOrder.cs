using QkvMigrate.Checkpoints;

namespace QkvMigrate.Verification;

/// <summary>The shapes of a model's parameters in their order, and which of them are fused.</summary>
internal sealed class ParameterOrder
{
    private readonly List<(string Shape, bool IsFused)> parameters;
    private readonly bool isOrdered;
    private readonly Dictionary<string, (int All, int Fused)> counts = [];

    /// <summary>Takes the parameters; <paramref name="isOrdered"/> says whether their order means anything.</summary>
    public ParameterOrder(IEnumerable<(string Shape, bool IsFused)> parameters, bool isOrdered)
    {
        this.parameters = [.. parameters];
        this.isOrdered = isOrdered;
        foreach (var (shape, isFused) in this.parameters)
        {
            var (all, moving) = counts.GetValueOrDefault(shape);
            counts[shape] = (all + 1, moving + (isFused ? 1 : 0));
        }
    }

    /// <summary>The shape of a tensor as orders have it.</summary>
    public static string ShapeOf(TensorEntry tensor) => string.Join('x', tensor.Shape);

    /// <summary>The parameters of a model that more than one number belongs to.</summary>
    public static IEnumerable<TensorEntry> Weights(IEnumerable<TensorEntry> model) =>
        model.Where(tensor => tensor.ElementCount > 1 && TensorNumbers.IsParameter(tensor));

    /// <summary>How many parameters there are.</summary>
    public int Count => parameters.Count;

    /// <summary>The order in words: two models with the same one are the same here.</summary>
    public string Text => string.Join(' ', parameters);

    /// <summary>How many fused parameters have a shape.</summary>
    public int FusedOf(string shape) => counts.GetValueOrDefault(shape).Fused;

    /// <summary>
    /// Which of <paramref name="shapes"/> are fused, where they are the parameters' in order, or enough of them that leave
    /// no choice; null where they are not. As many as there are fused ones are enough where weights are among them.
    /// </summary>
    public bool[]? Recognise(List<string> shapes, bool areWeights)
    {
        if (isOrdered && shapes.Count == parameters.Count && shapes.Zip(parameters).All(pair => pair.First == pair.Second.Shape))
        {
            return [.. parameters.Select(parameter => parameter.IsFused)];
        }

        var used = shapes.GroupBy(shape => shape).ToDictionary(group => group.Key, group => group.Count());
        var isWhole = areWeights && used.All(pair => FusedOf(pair.Key) is var moving && (moving == 0 || moving == pair.Value));
        if (used.Any(pair => pair.Value > counts.GetValueOrDefault(pair.Key).All) || !(isWhole || (shapes.Count > 2 && used.Count > 1)))
        {
            return null;
        }

        if (used.Keys.All(IsPlain))
        {
            return [.. shapes.Select(shape => FusedOf(shape) > 0)];
        }

        return isOrdered ? ByOrder(shapes) : null;
    }

    /// <summary>Whether all parameters of a shape are fused, or none is.</summary>
    private bool IsPlain(string shape) => counts[shape] is var (all, moving) && (moving == 0 || moving == all);

    /// <summary>
    /// Goes through the parameters from the front and from the back, giving each shape the first one that is left. What is
    /// between the two can be its parameter; where some of that is fused and some is not, there is a choice.
    /// </summary>
    private bool[]? ByOrder(List<string> shapes)
    {
        if (Places(shapes, forward: true) is not { } front)
        {
            return null;
        }

        var back = Places(shapes, forward: false)!;
        var places = parameters.Index().Where(item => !IsPlain(item.Item.Shape)).ToLookup(item => item.Item.Shape);
        var choices = places.ToDictionary(group => group.Key, group => group.Select(item => item.Index).ToList());
        var moves = places.ToDictionary(group => group.Key, group => Sums(group.Select(item => item.Item.IsFused)));
        var answer = new bool[shapes.Count];
        for (var i = 0; i < answer.Length; i++)
        {
            if (IsPlain(shapes[i]))
            {
                answer[i] = FusedOf(shapes[i]) > 0;
                continue;
            }

            var (from, to) = (choices[shapes[i]].BinarySearch(front[i]), choices[shapes[i]].BinarySearch(back[i]) + 1);
            var moving = moves[shapes[i]][to] - moves[shapes[i]][from];
            if (moving != 0 && moving != to - from)
            {
                return null;
            }

            answer[i] = moving > 0;
        }

        return answer;
    }

    /// <summary>How many are true before each of them, and in all.</summary>
    private static List<int> Sums(IEnumerable<bool> flags)
    {
        List<int> sums = [0];
        foreach (var flag in flags)
        {
            sums.Add(sums[^1] + (flag ? 1 : 0));
        }

        return sums;
    }

    private int[]? Places(List<string> shapes, bool forward)
    {
        var places = new int[shapes.Count];
        var at = forward ? -1 : parameters.Count;
        for (var n = 0; n < shapes.Count; n++)
        {
            var i = forward ? n : shapes.Count - 1 - n;
            do
            {
                at += forward ? 1 : -1;
                if (at < 0 || at == parameters.Count)
                {
                    return null;
                }
            }
            while (parameters[at].Shape != shapes[i]);
            places[i] = at;
        }

        return places;
    }
}
