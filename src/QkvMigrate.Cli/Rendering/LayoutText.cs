using QkvMigrate.Migration;

namespace QkvMigrate.Cli.Rendering;

/// <summary>Says what a layout is, for people.</summary>
internal static class LayoutText
{
    /// <summary>Which layout it is, by which name it is known, and whose it is.</summary>
    public static string Of(CheckpointLayout layout) => layout switch
    {
        CheckpointLayout.Interleaved => $"interleaved ({FusedNames.Interleaved}), LitGPT's before 0.5.4",
        CheckpointLayout.Sequential => $"sequential ({FusedNames.Sequential}), LitGPT's since 0.5.4",
        CheckpointLayout.Foreign => $"sequential ({FusedNames.Foreign}), nanoGPT's and lit-llama's",
        _ => "no fused attention in it",
    };

    /// <summary>Why nothing is to be done with a checkpoint of this layout.</summary>
    public static string NothingToDo(CheckpointLayout layout) => layout switch
    {
        CheckpointLayout.Sequential => $"already sequential ({FusedNames.Sequential})",
        CheckpointLayout.Interleaved => $"already interleaved ({FusedNames.Interleaved})",
        CheckpointLayout.Foreign => $"fused attention under {FusedNames.Foreign} (nanoGPT, lit-llama) is sequential from the start and not LitGPT's",
        _ => "no fused attention in it",
    };
}
