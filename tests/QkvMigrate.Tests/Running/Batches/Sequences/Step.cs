using CsCheck;

namespace QkvMigrate.Tests.Running.Batches.Sequences;

/// <summary>One thing that a user does: which, and three numbers that say to what and how.</summary>
internal sealed record Step(int Kind, int A, int B, int C)
{
    /// <summary>Sequences of steps of <paramref name="kinds"/> kinds.</summary>
    public static Gen<Step[]> Sequences(int kinds) =>
        Gen.Select(Gen.Int[0, kinds - 1], Gen.Int[0, 59], Gen.Int[0, 59], Gen.Int[0, 59], (kind, a, b, c) => new Step(kind, a, b, c)).Array[3, 14];

    /// <summary>One of <paramref name="choices"/>, by <see cref="A"/>.</summary>
    public T First<T>(IReadOnlyList<T> choices) => choices[A % choices.Count];

    /// <summary>One of <paramref name="choices"/>, by <see cref="B"/>.</summary>
    public T Second<T>(IReadOnlyList<T> choices) => choices[B % choices.Count];

    /// <summary>One of <paramref name="choices"/>, by <see cref="C"/>.</summary>
    public T Third<T>(IReadOnlyList<T> choices) => choices[C % choices.Count];
}
