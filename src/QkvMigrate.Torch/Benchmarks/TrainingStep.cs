using QkvMigrate.Torch.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace QkvMigrate.Torch.Benchmarks;

/// <summary>One step of training on one random sequence: forward pass, cross entropy, backward pass, AdamW, as LitGPT's recipes do.</summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly Gpt model;
    private readonly AdamW optimizer;
    private readonly Tensor inputs;
    private readonly Tensor targets;

    /// <param name="model">Its parameters must be <see cref="Parameter"/>s.</param>
    /// <param name="length">Tokens of the sequence.</param>
    /// <param name="seed">Chooses the tokens.</param>
    public TrainingStep(Gpt model, int length, long seed)
    {
        this.model = model;
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        var tokens = randint(0, model.Configuration.VocabularySize, [1, length + 1], ScalarType.Int64, CPU, generator: generator).to(model.Device);
        inputs = tokens.narrow(1, 0, length).contiguous().DetachFromDisposeScope();
        targets = tokens.narrow(1, 1, length).contiguous().DetachFromDisposeScope();
        optimizer = optim.AdamW(model.Parameters.Cast<Parameter>());
    }

    /// <summary>Does the step; the loss before it.</summary>
    public float Run()
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        var logits = model.Forward(inputs);
        var loss = nn.functional.cross_entropy(logits.view(-1, logits.shape[^1]), targets.view(-1));
        loss.backward();
        optimizer.step();
        return loss.to_type(ScalarType.Float32).item<float>();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        inputs.Dispose();
        targets.Dispose();
    }
}
