namespace QkvMigrate.Layouts;

/// <summary>
/// The attribute names under which wrapping modules hold the module that they wrap. They stand in a key wherever a module
/// was wrapped: before the model, and between any two of its modules. Two savings of one model may differ in them.
/// </summary>
public static class WrapperNames
{
    /// <summary>The names.</summary>
    public static IReadOnlyList<string> All => Names;

    private static readonly string[] Names =
    [
        "_orig_mod", // torch.compile (torch/_dynamo/eval_frame.py, OptimizedModule)
        "_forward_module", // Lightning Fabric (lightning/fabric/wrappers.py)
        "module", // DistributedDataParallel, DataParallel, DeepSpeed, averaged models (torch/optim/swa_utils.py)
        "_fsdp_wrapped_module", // FSDP (torch/distributed/fsdp)
        "_fpw_module", // FSDP until PyTorch 1.13, within the one above
        "_checkpoint_wrapped_module", // activation checkpointing (torch/distributed/algorithms/_checkpoint/checkpoint_wrapper.py)
        "mod", // the same in PyTorch 1.12
    ];

    /// <summary>Whether a component of a key is the name of a wrapper.</summary>
    public static bool IsOne(ReadOnlySpan<char> component)
    {
        foreach (var name in Names)
        {
            if (component.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A key or module path without the wrappers in it.</summary>
    public static string Removed(string path)
    {
        foreach (var part in path.AsSpan().Split('.'))
        {
            if (IsOne(path.AsSpan()[part]))
            {
                return string.Join('.', path.Split('.').Where(part => !IsOne(part)));
            }
        }

        return path;
    }
}
