namespace QkvMigrate.Torch.Natives;

/// <summary>A libtorch that was found.</summary>
/// <param name="Folder">The folder of its libraries.</param>
/// <param name="Origin">By what it was found: <c>--libtorch</c>, the name of a variable, or "beside the program".</param>
/// <param name="Version">PyTorch's version, or null where nothing beside the libraries tells.</param>
public sealed record Libtorch(string Folder, string Origin, string? Version)
{
    /// <summary>Whether it computes with CUDA.</summary>
    public bool HasCuda => File.Exists(Path.Combine(Folder, "libtorch_cuda.so"));

    /// <summary>The version in words.</summary>
    internal string VersionText => Version is null ? "of unknown version" : Version;

    /// <summary><c>2.10.0 of /opt/torch/lib (--libtorch), for the CPU alone</c>.</summary>
    public string Description => $"{VersionText} of {Folder} ({Origin}), {(HasCuda ? "with CUDA" : "for the CPU alone")}";

    /// <inheritdoc/>
    public override string ToString() => $"libtorch {Description}";

    /// <summary>The path of one of its libraries.</summary>
    internal string Library(string name) => Path.Combine(Folder, name);
}
