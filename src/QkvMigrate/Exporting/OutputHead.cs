using QkvMigrate.Checkpoints;
using QkvMigrate.Configuration.Models;

namespace QkvMigrate.Exporting;

/// <summary>Whether the output head of a model is its embedding: one matrix, or two of the same numbers.</summary>
/// <param name="IsEmbedding">The answer; null where it would take reading them.</param>
internal readonly record struct OutputHead(bool? IsEmbedding)
{
    private const int Block = 1 << 20;

    /// <summary>Whether it is known to be another.</summary>
    public bool Differs => IsEmbedding == false;

    /// <summary>Compares the two. One that is not there is the embedding.</summary>
    /// <param name="model">The model's tensors.</param>
    /// <param name="mayRead">Whether they may be read.</param>
    /// <exception cref="MigrationException">They cannot be read.</exception>
    public static OutputHead Of(ModelTensors model, bool mayRead)
    {
        var head = model.Tensors.GetValueOrDefault($"{ModelParameters.Head}.weight");
        var embedding = model.Tensors.GetValueOrDefault($"{ModelParameters.Embedding}.weight");
        return head is null || embedding is null || IsOneView(head, embedding) ? new OutputHead(true)
            : !AreComparable(head, embedding) ? new OutputHead(false)
            : mayRead ? new OutputHead(AreSame(head, embedding))
            : new OutputHead(null);
    }

    private static bool IsOneView(TensorEntry head, TensorEntry embedding) =>
        head.Storage.Source == embedding.Storage.Source
            && head.FileOffset == embedding.FileOffset
            && AreComparable(head, embedding)
            && head.Strides.SequenceEqual(embedding.Strides);

    private static bool AreComparable(TensorEntry head, TensorEntry embedding) => head.DType == embedding.DType && head.Shape.SequenceEqual(embedding.Shape);

    /// <summary>Two of other strides are taken for two: their bytes cannot be compared as they stand.</summary>
    private static bool AreSame(TensorEntry head, TensorEntry embedding)
    {
        var (left, right) = (new byte[Block], new byte[Block]);
        if (!head.Strides.SequenceEqual(embedding.Strides))
        {
            return false;
        }

        var bytes = head.Extent;
        for (var done = 0L; done < bytes; done += Block)
        {
            var length = (int)Math.Min(Block, bytes - done);
            head.Storage.Source.Read(head.FileOffset + done, left.AsSpan(0, length));
            embedding.Storage.Source.Read(embedding.FileOffset + done, right.AsSpan(0, length));
            if (!left.AsSpan(0, length).SequenceEqual(right.AsSpan(0, length)))
            {
                return false;
            }
        }

        return true;
    }
}
