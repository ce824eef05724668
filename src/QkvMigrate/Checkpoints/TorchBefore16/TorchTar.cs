using System.Text;
using QkvMigrate.Files;

namespace QkvMigrate.Checkpoints.TorchBefore16;

/// <summary>The tar that <c>torch.save</c> wrote before PyTorch 0.1.10 (torch/serialization.py, <c>legacy_load</c>), years before LitGPT.</summary>
internal static class TorchTar
{
    private const int NameLength = 100;
    private const int SignatureOffset = 257;
    private const int HeaderLength = 512;

    /// <summary>Whether the file starts with a tar entry of a name that PyTorch used.</summary>
    public static bool Matches(SourceFile source)
    {
        if (source.Length < HeaderLength)
        {
            return false;
        }

        var header = source.Read(0, HeaderLength).AsSpan();
        return header[SignatureOffset..].StartsWith("ustar"u8)
            && Encoding.Latin1.GetString(header[..NameLength].TrimEnd((byte)0)) is "sys_info" or "pickle" or "tensors" or "storages";
    }

    /// <summary>Why such a file is refused.</summary>
    public static MigrationException Refused() => new(
        FailureKind.Unsupported,
        "this is the tar that PyTorch wrote before 0.1.10, which this tool does not read; torch.load and torch.save bring it up to date");
}
